extension HTMLReport {
  /// Sorts a table by the column whose heading is clicked, the other way round with the second click. Free of `<` and `&`,
  /// as the page is well-formed XML.
  static let sorting: StaticString = """
    for (const head of document.querySelectorAll("th[data-sort]")) head.onclick = () => {
      const body = head.closest("table").tBodies[0], column = head.cellIndex;
      const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const sign = head.dataset.sort == "down" ? 1 : -1;
      head.dataset.sort = sign == 1 ? "up" : "down";
      const order = (a, b) => isNaN(a) || isNaN(b) ? String(a).localeCompare(String(b)) : a - b;
      body.append(...[...body.rows].sort((a, b) => sign * order(key(a), key(b))));
    };
    """

  /// The SHA-256 of the script, by which the page's policy lets it run and nothing else.
  static let sortingHash = "sha256-v0F/utcMUwtCz+4mpE7cWUzP2k/boKGjH2vIW1JmXok="
}
