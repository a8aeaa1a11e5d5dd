"""What must hold of completions: what was asked, what came back, what it cost."""

from wellspring.expectations import none_of, written
from wellspring.tasks.io.suites import Suite, gxe

_USAGE = "Costs and budgets are sums of these; a server that reports nonsense would poison them."

SUITE = Suite(
    "completions",
    rows=(
        gxe.ExpectColumnValuesToMatchRegex(
            column="completion_id",
            regex=r"^[0-9a-f]{20,64}$",
            notes="It is the hash of the request, and is asked once.",
        ),
        gxe.ExpectColumnValuesToBeBetween(column="prompt_tokens", min_value=0, max_value=10_000_000, notes=_USAGE),
        gxe.ExpectColumnValuesToBeBetween(column="completion_tokens", min_value=0, max_value=10_000_000, notes=_USAGE),
        gxe.ExpectColumnValuesToBeBetween(
            column="cost_usd",
            min_value=0,
            max_value=1000,
            may_be_empty="no table lists the price of any model that was asked",
            notes=_USAGE,
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="attempts",
            max_value=3,
            mostly=0.9,
            severity="warn",
            notes="A tenth and more needed over three attempts: the endpoint is overloaded, or the limits are wrong.",
        ),
    ),
    facts=(
        written(),
        none_of(
            "quoted_keys", "Requests are kept and shown: a key in one is a page's example, or a leak of ours.", "warn"
        ),
        none_of("unpriced", "A model without a price in the table spends money that nobody sees.", "warn"),
    ),
)
