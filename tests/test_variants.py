"""Names of ERBB2 variants.

Spellings are those of reports and databases; what they must become was worked out by hand on the sequence
``… K765 E I L D E770 A Y V M A775 G V G S P780 Y V …`` (UniProt P04626) by the rules of the HGVS.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import herbtc
from herbtc import variants
from herbtc.terms import ChangeKind
from herbtc.variants._protein import LETTERS, RESIDUES

# One change each, with its spellings.
SPELLINGS = {
    "S310F": (
        "S310F",
        "s310f",
        " S310F ",
        "p.S310F",
        "p.(S310F)",
        "P.S310F",
        "p. S310F",
        "(S310F)",
        "p.Ser310Phe",
        "p.(Ser310Phe)",
        "Ser310Phe",
        "ser310phe",
        "SER310PHE",
        "ERBB2 S310F",
        "ERBB2:S310F",
        "ERBB2: p.S310F",
        "ERBB2_S310F",
        "ERBB2-S310F",
        "ERBB2p.S310F",
        "erbb2 s310f",
        "HER2 S310F",
        "HER2:S310F",
        "HER2-S310F",
        "HER-2 S310F",
        "HER2/neu S310F",
        "HER2S310F",
        "HER2(S310F)",
        "c-erbB-2 S310F",
        "ERBB2 S310F mutation",
        "S310F variant",
        "S310>F",
        "S310delinsF",
        "p.Ser310delinsPhe",
        "P04626:S310F",
        "NP_004439.2:p.Ser310Phe",
        "NP_004439.2:p.(Ser310Phe)",
        "NM_004448.4:p.S310F",
        "NM_004448.4(ERBB2):c.929C>T (p.Ser310Phe)",
        "ERBB2 c.929C>T p.S310F",
        "ENSP00000269571.5:p.Ser310Phe",
        "S310F, p.Ser310Phe",
        "G309_S310delinsGF",
    ),
    "L755S": ("L755S", "p.Leu755Ser", "HER2 L755S", "ERBB2 p.(Leu755Ser)", "NM_004448.2:c.2264T>C p.L755S"),
    "V777L": ("V777L", "p.Val777Leu", "V777_G778delinsLG", "[V777L]"),
    "Y772_A775dup": (
        "Y772_A775dup",
        "Y772-A775dup",
        "p.Y772_A775dup",
        "p.Tyr772_Ala775dup",
        "p.(Tyr772_Ala775dup)",
        "Y772_A775dupYVMA",
        "p.Tyr772_Ala775dupTyrValMetAla",
        "A775_G776insYVMA",
        "A775-G776insYVMA",
        "A775\N{EN DASH}G776insYVMA",
        "A775\N{NON-BREAKING HYPHEN}G776insYVMA",
        "a775_g776insyvma",
        "A775_G776 insYVMA",
        "A775_G776ins YVMA",
        "p.Ala775_Gly776insTyrValMetAla",
        "E770_A771insAYVM",
        "p.Glu770_Ala771insAlaTyrValMet",
        "A771_Y772insYVMA",
        "Y772_V773insVMAY",
        "M774_A775insAYVM",
        "A775_G776insYVMA/Y772_A775dup",
        "Y772_A775dup (A775_G776insYVMA)",
        "ERBB2 p.Tyr772_Ala775dup",
        "NM_004448.3:c.2313_2324dup (p.Tyr772_Ala775dup)",
        "E770delinsEAYVM",
        "A775_G776delinsAYVMAG",
    ),
    "G778_P780dup": (
        "G778_P780dup",
        "p.Gly778_Pro780dup",
        "P780_Y781insGSP",
        "p.Pro780_Tyr781insGlySerPro",
        "V777_G778insGSP",
        "G778_S779insSPG",
        "P780_Y781insGSP/G778_P780dup",
    ),
    "G776delinsVC": ("G776delinsVC", "p.Gly776delinsValCys", "G776>VC", "G776delGinsVC", "G776_V777delinsVCV"),
    "V777_G778insCV": ("V777_G778insCV", "G776_V777insVC"),
    "G778_S779insCG": ("G778_S779insCG", "V777_G778insGC"),
    "V777_G778insCG": ("V777_G778insCG", "p.Val777_Gly778insCysGly"),
    "A775_G776insV": ("A775_G776insV", "p.Ala775_Gly776insVal"),
    "M774dup": ("M774dup", "M774dupM", "V773_M774insM", "M774_A775insM"),
    "A775dup": ("A775dup", "A775_G776insA", "M774_A775insA"),
    "L755_T759del": ("L755_T759del", "L755-T759del", "p.Leu755_Thr759del", "L755_T759delLRENT", "L755_T759 del"),
    "L755_E757delinsS": ("L755_E757delinsS", "p.Leu755_Glu757delinsSer", "L755_E757delLREinsS"),
    "S310=": ("S310=", "S310S", "p.Ser310=", "p.(Ser310=)"),
    "R288*": ("R288*", "p.Arg288*", "p.Arg288Ter", "R288Ter"),
    "A1232fs": ("A1232fs", "p.Ala1232fs", "A1232fs*", "A1232fs*?"),
    "A1232Pfs*34": ("A1232Pfs*34", "p.Ala1232ProfsTer34", "p.Ala1232Profs*34", "A1232PfsX34"),
    "L13del": ("L13del", "L11del", "L12del", "p.Leu11del", "G10_L13delinsGLL"),
    "P1254_V1255insVA": ("P1254_V1255insVA",),
}
PAIRS = [(canonical, spelling) for canonical, spellings in SPELLINGS.items() for spelling in spellings]

KINDS = {
    "S310F": ChangeKind.SUBSTITUTION,
    "Y772_A775dup": ChangeKind.DUPLICATION,
    "A775_G776insV": ChangeKind.INSERTION,
    "L755_T759del": ChangeKind.DELETION,
    "G776delinsVC": ChangeKind.DELETION_INSERTION,
    "S310=": ChangeKind.SILENT,
    "R288*": ChangeKind.NONSENSE,
    "A1232Pfs*34": ChangeKind.FRAMESHIFT,
}

# Texts that name no change of the protein, or not one: they stay as they are.
UNKNOWN = (
    "exon 20 insertion",
    "amplification",
    "ERBB2",
    "HER2 mutation",
    "NRG1 fusion",
    "ERBB2::PPP1R1B",
    "S310",
    "S310X",
    "S310Xaa",
    "S310Phe",
    "S310F/Y",
    "S310F/V777L",
    "S310F, V777L",
    "S310F amplification",
    "BRAF V600E",
    "EGFR L858R",
    "ERBB2 S310F TP53 R175H",
    "c.929C>T",
    "NM_004448.4:c.929C>T",
    "NP_001005862.1:p.S280F",
    "A775insYVMA",
    "776insYVMA",
    "YVMA",
    "A775_G776ins4",
    "A775_G776ins",
    "A775_G776delins",
    "755-759del",
    "delins",
    "p.?",
    "p.0",
    "p.",
    "M1?",
    "S31OF",
    "S310",
    "310F",
    "S\N{ARABIC-INDIC DIGIT THREE}10F",
    "\N{LATIN SMALL LETTER LONG S}310F",
    "V777\N{KELVIN SIGN}",
    "S310F" * 60,
    "A775_G776ins" + "YVMA" * 60,
    "insinsins",
    "\x00",
    "\ud800",
    "-",
    "=",
)

# Changes that HER2 cannot have, and what the message says.
IMPOSSIBLE = {
    "V600E": "expected C at 600",
    "p.Leu858Arg": "expected H at 858",
    "A310F": "expected S at 310",
    "Y772_G775dup": "expected A at 775",
    "S0F": "expected a place from 1 to 1255, got 0",
    "S1256F": "expected a place from 1 to 1255, got 1256",
    "S99999F": "expected a place from 1 to 1255, got 99999",
    "A775_Y772dup": "expected residues in the order of the sequence",
    "A775_V777insV": "expected an insertion between neighbours",
    "A775_A775insV": "expected an insertion between neighbours",
    "Y772_A775dupYVMG": "expected YVMA from 772 to 775, got YVMG",
    "L755_T759delLRENA": "expected LRENT from 755 to 759",
    "G776delAinsVC": "expected G from 776 to 776",
}


def mutated(change: variants.ProteinChange) -> str:
    """The whole protein with a change made by its fields alone; the oracle of what a name means."""
    assert change.start is not None
    assert change.end is not None
    if change.kind is ChangeKind.INSERTION:
        return RESIDUES[: change.start] + change.inserted + RESIDUES[change.end - 1 :]
    if change.kind is ChangeKind.DUPLICATION:
        return RESIDUES[: change.end] + change.inserted + RESIDUES[change.end :]
    return RESIDUES[: change.start - 1] + change.inserted + RESIDUES[change.end :]


@pytest.mark.parametrize(("canonical", "spelling"), PAIRS, ids=[spelling for _, spelling in PAIRS])
def test_each_spelling_of_a_change_gets_its_one_name(canonical: str, spelling: str) -> None:
    change = variants.name(spelling)
    assert change.name == str(change) == canonical
    assert change == variants.name(canonical)
    assert change.known


def test_there_are_enough_spellings() -> None:
    assert len(PAIRS) >= 60
    assert len({spelling for _, spelling in PAIRS}) == len(PAIRS)


@pytest.mark.parametrize(("canonical", "kind"), KINDS.items())
def test_kind(canonical: str, kind: ChangeKind) -> None:
    assert variants.name(canonical).kind is kind


def test_fields_of_a_change() -> None:
    change = variants.name("A775_G776insYVMA")
    assert (change.start, change.end, change.reference, change.inserted) == (772, 775, "YVMA", "YVMA")
    change = variants.name("p.Gly776delinsValCys")
    assert (change.start, change.end, change.reference, change.inserted) == (776, 776, "G", "VC")
    change = variants.name("A775_G776insV")
    assert (change.start, change.end, change.reference, change.inserted) == (775, 776, "AG", "V")


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_names_no_change_stays_as_it_is(text: str) -> None:
    change = variants.name(text)
    assert (change.name, change.kind, change.known) == (text, ChangeKind.UNKNOWN, False)
    assert (change.start, change.end, change.hgvs) == (None, None, None)


@pytest.mark.parametrize(("text", "message"), IMPOSSIBLE.items())
def test_a_change_that_the_protein_cannot_have_is_an_error(text: str, message: str) -> None:
    with pytest.raises(herbtc.DataError) as caught:
        variants.name(text)
    assert message in str(caught.value)
    assert text in caught.value.where


@pytest.mark.parametrize("text", ["", "  ", "\n", None, 310, b"S310F"])
def test_what_is_no_name_is_an_error(text: object) -> None:
    with pytest.raises(herbtc.DataError, match="expected the name of a variant"):
        variants.name(text)


# --- properties -------------------------------------------------------------------------------------------------------

RESIDUE = st.sampled_from(sorted(LETTERS.values()))


@st.composite
def edits(draw: st.DrawFn) -> tuple[int, int, str]:
    """Residues to replace (first, last; last = first - 1 for none) and what stands there then."""
    first = draw(st.integers(2, len(RESIDUES) - 8))
    last = first + draw(st.integers(-1, 6))
    # Repeats of what stands there are what insertions are confused about.
    pool = st.one_of(st.text(RESIDUE, max_size=5), st.sampled_from([RESIDUES[first - 3 : first], RESIDUES[first:last]]))
    return first, last, draw(pool.filter(lambda new: new or last >= first))


def spelt(first: int, last: int, new: str) -> str:
    """A name of an edit as it stands, without any choice of the shortest or the last."""
    if last < first:
        return f"{RESIDUES[first - 2]}{first - 1}_{RESIDUES[first - 1]}{first}ins{new}"
    there = f"{RESIDUES[first - 1]}{first}_{RESIDUES[last - 1]}{last}"
    return f"{there}delins{new}" if new else f"{there}del"


@given(edits())
def test_a_name_means_the_protein_that_was_meant(edit: tuple[int, int, str]) -> None:
    first, last, new = edit
    change = variants.name(spelt(*edit))
    if change.kind is ChangeKind.SILENT:
        assert new == RESIDUES[first - 1 : last]
    else:
        assert mutated(change) == RESIDUES[: first - 1] + new + RESIDUES[last:]


@given(edits(), st.integers(0, 3), st.integers(0, 3))
def test_a_name_does_not_depend_on_how_much_is_described(edit: tuple[int, int, str], before: int, behind: int) -> None:
    first, last, new = edit
    if new == RESIDUES[first - 1 : last]:
        return
    first_wide, last_wide = max(1, first - before), max(last + behind, first)
    wide = RESIDUES[first_wide - 1 : first - 1] + new + RESIDUES[last:last_wide]
    assert variants.name(spelt(*edit)) == variants.name(spelt(first_wide, last_wide, wide))


@given(edits())
def test_names_are_fixed_points_in_both_codes(edit: tuple[int, int, str]) -> None:
    change = variants.name(spelt(*edit))
    assert variants.name(change.name) == change
    assert change.hgvs is not None
    assert variants.name(change.hgvs) == change
    assert variants.name(f"HER2 {change.name.lower()}") == change


@given(edits())
def test_no_change_can_be_described_further_to_the_c_terminus(edit: tuple[int, int, str]) -> None:
    change = variants.name(spelt(*edit))
    if change.kind not in {ChangeKind.DELETION, ChangeKind.INSERTION, ChangeKind.DUPLICATION}:
        return
    assert change.start is not None
    assert change.end is not None
    shorter, longer = sorted((mutated(change), RESIDUES), key=len)
    size = len(longer) - len(shorter)
    # Where the residues begin that the longer protein has too many.
    place = {
        ChangeKind.DELETION: change.start - 1,
        ChangeKind.INSERTION: change.start,
        ChangeKind.DUPLICATION: change.end,
    }[change.kind]
    assert longer[:place] + longer[place + size :] == shorter
    if place + 1 + size < len(longer):
        assert longer[: place + 1] + longer[place + 1 + size :] != shorter


def read_or_kept(text: str) -> None:
    try:
        change = variants.name(text)
    except herbtc.DataError:
        return
    assert change.known or change.name == text.strip()
    assert variants.name(change.name) == change


@given(st.text(max_size=40))
def test_any_text_is_read_or_kept(text: str) -> None:
    read_or_kept(text)


MORSELS = "p.|(|)|_|-|del|ins|dup|>|=|*|fs|X|Ter| |/|:|S310|Ser310|A775|G776|Y772|HER2|F|YVMA|Phe|0|9"


@given(st.lists(st.sampled_from(MORSELS.split("|")), max_size=8).map("".join))
def test_any_jumble_of_what_names_are_made_of_is_read_or_kept(text: str) -> None:
    read_or_kept(text)
