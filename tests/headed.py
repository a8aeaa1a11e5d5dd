"""A prompt file with headings, for tests."""

TEXT = """A note for readers, `# with a mark`.

# clarify

## system

You write questions that everybody understands, for $audience.

## user

The question costs $$5:

$text

### Its form

```
# no heading
```

Say $text otherwise.

## examples

Kept.

```json
{"question": "In short: $text.1"}
```

Refused, since it is the same.

```json
{"question": "$words, and $text"}
```

# reply
## user
$question

Answer in one line, by what is known.
## examples
```text
It is $question.2 ($words)
```
```text
$$1, I think.
```
"""
