import pytest

from aliked_ros.evaluation.reports.page import replace_part

PAGE = "# Title\n\n<!-- table: begin -->\n\nold\n\n<!-- table: end -->\n\nThe end.\n"


def test_a_part_is_replaced_and_the_rest_stays_however_often(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    replace_part(page, "table", "| new |\n")
    once = page.read_text()
    assert once == PAGE.replace("old", "| new |")
    replace_part(page, "table", "| new |\n")
    assert page.read_text() == once


@pytest.mark.parametrize(
    "content", [None, "# Title\n", "<!-- table: end -->\n<!-- table: begin -->\n"]
)
def test_a_page_without_a_place_stays_as_it_is(tmp_path, content):
    page = tmp_path / "page.md"
    if content is not None:
        page.write_text(content)
    with pytest.raises(ValueError, match=r"page\.md lacks a place .* <!-- table: begin -->"):
        replace_part(page, "table", "new")
    assert page.is_file() == (content is not None)
    assert content is None or page.read_text() == content
