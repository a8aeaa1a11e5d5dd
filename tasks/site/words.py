"""What the pages say of words that are ours or the field's, in phrases: each page explains its own words.

A page cannot link to the glossary (deployments/GLOSSARY.md), since nothing on it leads out of the site.
"""

STAGES = {
    "sources": "finds the files and addresses of the corpus",
    "documents": "takes the text out of each page",
    "passages": "cuts documents into pieces that a search can find",
    "embeddings": "turns texts into vectors, by which similar texts are found",
    "seeds": "reads the instructions that people wrote",
    "groundings": "finds a page that fits a seed, and describes who would ask it",
    "notes": "keeps what programs note on their way, such as rubrics",
    "rewrites": "keeps pages that a model said again in another style",
    "instructions": "writes new instructions",
    "responses": "writes answers to the instructions",
    "verdicts": "checks answers: passed, failed, or could not say",
    "scores": "asks judges for marks",
    "selections": "chooses the instructions of the dataset",
    "preferences": "makes pairs of a better and a worse answer",
    "exports": "writes the files that a trainer reads",
    "completions": "copies the record of all model calls into the database",
    "settled": "says which inputs are done with, and what was made of each",
    "steps": "says which model calls were made for each input",
}

STATUSES = {  # what the run did
    "done": "ended well.",
    "running": "was still at work when this page was written.",
    "parked": "stopped cleanly, because of a budget, a quota, a dead server or a busy store. Nothing is lost: run the "
    "same command again later.",
    "stopped": "was stopped by a person. What it did is kept, and the next run continues.",
    "failed": "failed. What it wrote before is kept, and it paid for nothing after that.",
    "crashed": "was killed. The next run does what it had not finished.",
}

STANDING = {
    "Rows": "all rows of the table, older ones too",
    "Valid": "rows that later stages read: made with the present settings, and their audit passed",
    "Due": "inputs that the next run would work on",
    "Would cost": "what these inputs would cost, by what others have cost here; ? is not known",
    "Refused": "inputs that were not used, each with a reason",
    "Broken shards": "parts of the work that failed; the next run tries them again",
    "Calls": "model calls that were answered",
    "Spent": "US dollars for these calls",
}

FLOW = {
    "In": "inputs that the stage worked on",
    "Out": "rows that came out; one input may give several",
    "Refused": "inputs that were not used, each with a reason",
    "Took": "time of the stage",
}

CALLS = {
    "Role": "what a model is used for: the generator writes instructions and what leads to them, the responder "
    "answers, a judge gives marks, a moderator looks for harm, an embedder makes vectors",
    "Repeated": "attempts after the first one of a call",
    "Cached": "sent tokens that the provider still had, often at a lower price",
    "Median time": "half of the answers took no longer",
    "95 % within": "19 of 20 answers took no longer",
    "Cut off": "answers that ended at the limit of tokens; fewer is better",
}

MEASURES = {  # name in the portrait: name on the page, what it means
    "rows": ("Instructions", "how many there are"),
    "mtld": ("Variety of words (MTLD)", "words until many are repeated; higher is more varied"),
    "distinct_1": ("Different words (distinct-1)", "share of all words, 0 to 1; higher is more varied"),
    "distinct_2": ("Different word pairs (distinct-2)", "share of all pairs, 0 to 1; higher is more varied"),
    "vendi_score": ("Vendi score", "so many unrelated texts would be as varied; higher is more varied"),
    "topics": ("Topics", "groups of similar instructions that are reached"),
    "topic_coverage": ("Topics reached", "share of all topics, 0 to 1"),
    "topic_entropy": ("Balance of topics", "0: all in one topic; 1: all topics equally large"),
    "distance_within": ("Distance to each other", "to the nearest instruction; 0 is a copy, higher is more varied"),
    "distance_to_seeds": ("Distance to seeds", "to the nearest human instruction; 0 is a copy"),
    "documents": ("Pages", "different pages that instructions rest on"),
    "largest_document_share": ("Share of the largest page", "of all instructions, 0 to 1; lower is more varied"),
    "domains": ("Sites", "different sites that instructions rest on"),
    "largest_domain_share": ("Share of the largest site", "of all instructions, 0 to 1; lower is more varied"),
    "tokens_median": ("Median length", "in tokens (estimated)"),
    "tokens_mean": ("Mean length", "in tokens (estimated)"),
    "score_mean": ("Mean score", "total marks of the judge; higher is better"),
    "contaminated": ("Found in benchmarks", "share of instructions; should be 0; \u2013 means not looked for"),
    "answers_refused": ("Answers that decline", "share of answers, 0 to 1; lower is better"),
    "judges_kappa": ("Agreement of judges (kappa)", "1: always agree; 0: as often as by chance"),
    "pairs_same_in_both_orders": ("Pairs judged alike in both orders", "share of pairs, 0 to 1; higher is better"),
}
