extension HTMLReport {
  /// The page's style: one column on a phone, the colours of the reader's choice of light and dark.
  static let style: StaticString = """
    :root {
      --page: #ffffff; --card: #f5f6f8; --text: #1b1f24; --soft: #5a6370; --line: #dde1e6;
      --mode1: #1f6fd1; --mode2: #c2560a; --other: #1a7f5a; --before: #c3d5ec; --after: #1f6fd1;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --page: #14171b; --card: #1d2127; --text: #e7eaee; --soft: #9aa5b1; --line: #333a43;
        --mode1: #6aaeff; --mode2: #ff9f5a; --other: #4fcf9f; --before: #34475f; --after: #6aaeff;
      }
    }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--page); color: var(--text);
      font: 16px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
    main { max-width: 1200px; margin: 0 auto; padding: 20px 16px 48px; }
    h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
    h2 { font-size: 1.2rem; margin: 40px 0 0; }
    .note { color: var(--soft); margin: 4px 0 14px; max-width: 72ch; }
    .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; }
    .tile { background: var(--card); border-radius: 8px; padding: 10px 14px; min-width: 0; }
    .label, .detail { color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
    .value { font-size: 1.7rem; font-weight: 600; line-height: 1.25; }
    .options { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 14px 0 0; }
    .options div { display: flex; gap: 6px; min-width: 0; }
    .options dt { color: var(--soft); }
    .options dd { margin: 0; overflow-wrap: anywhere; }
    .evidence { margin: 0; padding: 0; list-style: none; max-width: 90ch; }
    .evidence li { padding: 2px 0 2px 22px; position: relative; }
    .evidence li::before { content: "\\2713"; position: absolute; left: 2px; color: var(--other); font-weight: 600; }
    .evidence .lack { color: var(--soft); }
    .evidence .lack::before { content: "!"; left: 6px; color: var(--mode2); }
    .figures h2 { margin-top: 26px; }
    .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 0 24px; }
    .bar { min-width: 8rem; }
    .bar svg { display: block; width: 100%; height: 10px; margin-top: 5px; }
    .bar span { color: var(--soft); font-size: .8rem; white-space: nowrap; }
    .number { text-align: right; }
    .before { fill: var(--before); }
    .after { fill: var(--after); }
    table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
    th, td { text-align: left; vertical-align: top; padding: 7px 14px 7px 0; border-top: 1px solid var(--line); }
    thead th { color: var(--soft); font-weight: 400; border-top: 0; }
    th[data-sort] { cursor: pointer; }
    .layers thead th:nth-child(n+6), .layers thead th:nth-child(4) { text-align: right; }
    .layers { width: 100%; }
    .layers tbody th { overflow-wrap: anywhere; }
    @media (min-width: 1000px) {
      .layers tbody th { min-width: 15rem; }
      .layers td { white-space: nowrap; }
    }
    tbody th { font-weight: 600; }
    .op, .reason { display: block; color: var(--soft); font-weight: 400; font-size: .8rem; }
    .count { display: block; }
    .number .reason { white-space: nowrap; }
    .layers th:last-child, .layers td:last-child { padding-right: 0; }
    .reason { max-width: 20rem; white-space: normal; overflow-wrap: anywhere; }
    .form { font-weight: 600; }
    .kept { margin: 10px 0 0; font-size: .9rem; }
    .kept dt { font-weight: 600; }
    .kept dd { margin: 0 0 10px; color: var(--soft); overflow-wrap: anywhere; }
    .section summary { color: var(--text); font-size: 1.2rem; font-weight: 600; margin-top: 30px; }
    .spectra { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); gap: 14px; }
    figure { margin: 0; background: var(--card); border-radius: 8px; padding: 12px; min-width: 0; }
    .trade-off, .prediction { max-width: 500px; }
    .answers { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr)); gap: 14px; }
    .row { display: grid; grid-template-columns: repeat(3, 1fr); gap: 6px; }
    .row img { width: 100%; height: auto; image-rendering: pixelated; }
    figcaption { margin-bottom: 6px; }
    figcaption .name { display: block; font-weight: 600; font-size: .9rem; overflow-wrap: anywhere; }
    figure svg { display: block; width: 100%; height: auto; }
    figure svg text { fill: var(--soft); font-size: 10.5px; font-family: inherit; }
    .grid { stroke: var(--line); stroke-width: 1; }
    .curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
    .drop { stroke-width: 1; stroke-dasharray: 2 2; }
    .level { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 5 3; }
    .dot { stroke: var(--card); stroke-width: 1.5; }
    .curve.mode1, .drop.mode1 { stroke: var(--mode1); }
    .curve.mode2, .drop.mode2 { stroke: var(--mode2); }
    .curve.other, .drop.other { stroke: var(--other); }
    .dot.mode1 { fill: var(--mode1); }
    .dot.mode2 { fill: var(--mode2); }
    .dot.other { fill: var(--other); }
    .drop.chosen { stroke: var(--mode2); }
    .dot.ring { fill: none; stroke: var(--mode2); stroke-width: 2.5; }
    .legend { display: flex; flex-wrap: wrap; gap: 2px 14px; list-style: none; margin: 4px 0 0; padding: 0;
      font-size: .8rem; color: var(--soft); }
    .legend li::before { content: ""; display: inline-block; width: 14px; height: 3px; margin-right: 6px;
      vertical-align: middle; background: currentColor; }
    .legend .mode1::before { background: var(--mode1); }
    .legend .mode2::before { background: var(--mode2); }
    .legend .other::before { background: var(--other); }
    details { margin-top: 10px; overflow-x: auto; }
    summary { cursor: pointer; color: var(--soft); }
    @media (max-width: 760px) {
      .layers, .layers tbody, .layers th, .layers td { display: block; }
      .layers thead { display: none; }
      .layers tr { display: grid; grid-template-columns: 3fr 2fr; gap: 0 12px; padding: 9px 0;
        border-top: 1px solid var(--line); }
      .layers th, .layers .form, .layers td:nth-child(n+5) { grid-column: 1 / -1; }
      .layers th, .layers td { border: 0; padding: 1px 0; text-align: left; }
      .layers td::before { content: attr(data-label) " "; color: var(--soft); font-weight: 400; }
    }
    """
}
