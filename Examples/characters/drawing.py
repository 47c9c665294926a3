"""The chart of curve.py: accuracy over how many times as fast, a line a way."""
import math
from xml.sax.saxutils import escape

COLOURS = ("#718096", "#2b6cb0", "#2f855a", "#b7791f", "#9f7aea", "#dd6b20")
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 380, 60, 44, 190, 44


def chart(title, whole, points):
    """`points` holds for each way its pairs of a speed-up and an accuracy; `whole` is the accuracy of the network itself."""
    lowest = min(right for pairs in points.values() for _, right in pairs)
    floor = 5 * math.floor(max(lowest, whole - 40) / 5)
    ceiling, fastest = 5 * math.ceil(whole / 5), max(times for pairs in points.values() for times, _ in pairs)

    def x(times):
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(times) / math.log(1.1 * fastest)

    def y(right):
        return TOP + (HEIGHT - TOP - BOTTOM) * (ceiling - max(right, floor)) / (ceiling - floor)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" role="img" '
        f'aria-label="{escape(title)}">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">{escape(title)}</text>']
    for right in range(floor, ceiling + 1, 5):
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(right):.1f}" y2="{y(right):.1f}" stroke="#e2e8f0"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(right) + 4:.1f}" text-anchor="end">{right} %</text>')
    for times in (1, 2, 4, 8, 16):
        if times <= 1.1 * fastest:
            parts.append(f'<text x="{x(times):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{times}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">times as fast, measured</text>')
    parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(whole):.1f}" y2="{y(whole):.1f}" stroke="#c53030" '
                 'stroke-dasharray="3 3"/>')
    for place, (name, pairs) in enumerate(points.items()):
        colour, corners = COLOURS[place % len(COLOURS)], sorted(pairs)
        line = " ".join(f"{x(times):.1f},{y(right):.1f}" for times, right in corners)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(times):.1f}" cy="{y(right):.1f}" r="3.5" fill="{colour}"/>' for times, right in corners]
        parts.append(f'<rect x="{WIDTH - RIGHT + 16}" y="{TOP + 22 * place}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 34}" y="{TOP + 22 * place + 11}">{escape(name)}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT + 16}" y="{TOP + 22 * len(points) + 11}" fill="#c53030">- - the network itself</text>')
    return "\n".join(parts + ["</svg>"]) + "\n"
