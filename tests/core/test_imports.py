"""The import budget: what a function adds to the start of its Lambda, beside the libraries that all of them need."""

from pathlib import Path

import pytest

from tests.bench import imports
from tests.figures import Figures

# The ratio of one and the same import differs by three hundredths from process to process, with a busy machine's rare
# five. A library that nobody meant to import costs a tenth and more.
MARGIN = 0.05
TRIES = 5
FAR = 0.1  # below the limit: what an estimate puts there needs no measurement


def ratio_of(code: str) -> float:
    """Return what `code` costs, as a multiple of the floor: the middle of several, where the first seems too dear."""
    first = imports.cost(code).ratio
    return first if first <= imports.LIMIT else imports.cost(code, times=TRIES).ratio


@pytest.mark.timeout(600)  # a minute's work, and a busy machine takes several for it
def test_importing_a_function_costs_little_more_than_the_libraries_that_all_need(figures: Figures) -> None:
    estimated = imports.estimates(imports.functions())
    ratios = {
        module: estimate if estimate <= imports.LIMIT - FAR else ratio_of(f"import {module}")
        for module, estimate in estimated.items()
    }

    worst = max(ratios, key=lambda module: ratios[module])
    figures.add("imports", functions=len(ratios), dearest_in_percent_of_the_floor=round(100 * ratios[worst]))
    print(f"The dearest import is {worst}: {ratios[worst]:.2f} times the floor.")  # noqa: T201 -- a figure to be seen
    dear = {module: round(ratio, 2) for module, ratio in ratios.items() if ratio > imports.LIMIT + MARGIN}
    assert dear == {}, "`python -X importtime -c 'import MODULE'` shows what to import inside the function that uses it"


def test_a_function_that_makes_an_aws_client_when_imported_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("import functions.orders.api, boto3\nboto3.client('sqs', region_name='us-east-1')\n")

    ratio = ratio_of(f"import sys; sys.path.append({str(tmp_path)!r}); import planted")

    assert ratio > imports.LIMIT + MARGIN
