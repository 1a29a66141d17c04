"""How sure figures are: intervals, ranks and tie groups, parts of the spread, comparisons."""
