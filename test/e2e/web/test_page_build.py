"""The page's own checks: types against the routes, size budget, style, unit tests."""

from e2e.web.conftest import run_program


def test_page_is_complete(built_page: None) -> None:
    run_program("complete")


def test_style_and_unit_tests_of_the_page(built_page: None) -> None:
    run_program("test")
