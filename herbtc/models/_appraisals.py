"""How well a study was done: a checklist answered item by item from one of its reports."""

from typing import ClassVar

from attrs import frozen

from herbtc.models._record import Record, Rule
from herbtc.terms import AppraisalTool, Endpoint


@frozen(kw_only=True, repr=False)
class AppraisalItem(Record):
    """The answer to one item of a checklist, and why; `second` is what the second reader said first, if it differed."""

    item: str
    answer: str
    reason: str
    locator: str | None = None
    second: str | None = None


@frozen(kw_only=True, repr=False)
class Appraisal(Record):
    """A study appraised by a published checklist.

    The Joanna Briggs Institute checklist for case series (Munn et al., JBI Evid Synth 2020;18:2127) for single-arm
    evidence, RoB 2 (Sterne et al., BMJ 2019;366:l4898) for randomised trials, ROBINS-I (Sterne et al., BMJ
    2016;355:i4919) for comparisons without randomisation.
    """

    tool: AppraisalTool
    source: str
    items: tuple[AppraisalItem, ...]
    outcome: Endpoint | None = None
    note: str | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            ("items", "tool"),
            lambda items, tool: tuple(each.item for each in items) == tool.items,
            "expected every item of {1} once, in its order",
        ),
        Rule(
            ("items", "tool"),
            lambda items, tool: all({each.answer, each.second} <= {*tool.answers, None} for each in items),
            "expected the answers that {1} allows",
        ),
        Rule(
            ("tool", "outcome"),
            lambda tool, outcome: (outcome is None) == (tool is AppraisalTool.JBI_CASE_SERIES),
            "expected an outcome with rob-2 and robins-i, and none with jbi-case-series",
        ),
    )
