"""Charts: numbers with what they are out of, words escaped, colours by class, and never a share of nothing."""

from xml.etree import ElementTree

import pytest

from archive_service.charts import Cell, heat_map


@pytest.mark.parametrize(
    ("good", "of", "heat", "words"),
    [
        (0, 0, 0, "–"),
        (0, 3, 0, "0/3 · 0%"),
        (1, 2, 1, "1/2 · 50%"),
        (199, 200, 3, "199/200 · 99%"),
        (2, 2, 4, "2/2 · 100%"),
    ],
)
def test_a_cell_says_number_and_share(good: int, of: int, heat: int, words: str) -> None:
    assert (Cell(good, of).heat, Cell(good, of).words) == (heat, words)


def test_a_heat_map_is_well_formed_links_what_has_dossiers_and_has_no_style_of_its_own() -> None:
    cells = {("u1", "7"): Cell(1, 2, "/quality/runs?step=7&work_unit=u1"), ("u1", "8"): Cell(0, 0, "/nowhere")}
    drawn = heat_map([("u1", "Jurusan <A> & B")], ["7", "8"], cells, name="h", title="T & t", description="D")
    root = ElementTree.fromstring(drawn)
    space = "{http://www.w3.org/2000/svg}"
    assert [a.get("href") for a in root.iter(f"{space}a")] == ["/quality/runs?step=7&work_unit=u1"]
    assert "Jurusan <A> & B, 7: 1/2 · 50%" in [t.text for t in root.iter(f"{space}title")]
    assert not [e for e in root.iter() if e.get("style") or e.get("fill")]
