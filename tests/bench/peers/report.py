"""Medians, ratios, the tables, and the bounds

A run is {"work", "system" (a System's key), "round", "figures"}; see runs.py for the figures.
"""
import statistics

import systems

COLUMNS = [("rate", "jobs/s", "{:,.0f}"), ("p50Ms", "p50 ms", "{:.2f}"), ("p99Ms", "p99 ms", "{:.2f}"),
           ("allRanMs", "all ran ms", "{:,.0f}"), ("cpuServerUsPerJob", "server µs", "{:,.1f}"),
           ("cpuClientUsPerJob", "client µs", "{:,.1f}"), ("fsyncsPerJob", "fsyncs", "{:.4f}"), ("keysPerJob", "keys", "{:.2f}"),
           ("bytesPerJob", "bytes", "{:.0f}"), ("residentMiB", "MiB", "{:,.0f}"), ("diskMiB", "disk MiB", "{:,.0f}"),
           ("restartMs", "restart ms", "{:,.0f}")]
NAMES = {"rate": "jobs/s", "p50Ms": "p50", "p99Ms": "p99", "allRanMs": "all ran", "residentMiB": "MiB resident",
         "restartMs": "ms until ready after kill -9"}


def median_figures(figures):
    """The median of each figure, over the clean runs when there are any, and how many runs were clean."""
    clean = [run for run in figures if run["clean"]]
    used = clean or figures
    names = [name for name in used[0] if name != "clean" and all(name in run for run in used)]
    return {name: statistics.median(run[name] for run in used) for name in names} | {"clean": len(clean), "runs": len(figures)}


def medians(runs):
    """{work: {system's key: figures}}, in the order of systems.SYSTEMS."""
    found = {}
    for work in systems.WORKS:
        for system in systems.SYSTEMS:
            figures = [run["figures"] for run in runs if run["work"] == work and run["system"] == system.key]
            if figures:
                found.setdefault(work, {})[system.key] = median_figures(figures)
    return found


def better(measure, one, other):
    return one > other if measure == "rate" else one < other


def best(rows, measure, keys):
    """The key among `keys` with the best figure, or None."""
    found = None
    for key in keys:
        value = rows.get(key, {}).get(measure)
        if value is not None and (found is None or better(measure, value, rows[found][measure])):
            found = key
    return found


def peers(durable=None):
    return [system.key for system in systems.SYSTEMS if system.is_peer and durable in (None, system.durable)]


def ratio(figures, others, measure):
    """How many times the other's; None when one of them lacks the figure."""
    if not others.get(measure) or figures.get(measure) is None:
        return None
    return figures[measure] / others[measure]


def ratio_cell(work, figures, others):
    ratios = [ratio(figures, others, measure) for measure in systems.MEASURES[work]]
    return " / ".join("–" if value is None else f"{value:.2f}" for value in ratios)


def table(head, rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def work_table(work, rows):
    """One piece of work. The last two columns: Pawl's figure, and that of Pawl from Node, divided by the row's."""
    columns = [column for column in COLUMNS if any(column[0] in figures for figures in rows.values())]
    own = rows.get(f"{systems.OWN}, libpawl", {})
    node_keys = [system.key for system in systems.SYSTEMS if system.name == systems.NODE]
    node = rows.get(best(rows, systems.MEASURES[work][0], node_keys), {})
    noisy = any(figures["clean"] < figures["runs"] for figures in rows.values())
    lines = []
    for system in systems.SYSTEMS:
        figures = rows.get(system.key)
        if figures is None:
            continue
        cells = [form.format(figures[field]) if field in figures else "" for field, _, form in columns]
        clean = [f"{figures['clean']} of {figures['runs']}"] if noisy else []
        lines.append([system.name, system.setting, system.durable, *cells, *clean, ratio_cell(work, own, figures),
                      ratio_cell(work, node, figures) if system.is_peer else ""])
    head = ["system", "setting", "fsync before the answer", *(title for _, title, _ in columns)]
    return table(head + (["clean runs"] if noisy else []) + ["Pawl ÷ it", "Node ÷ it"], lines)


def bound_value(bound, rows):
    """Pawl's figure or ratio, and the peer it is held against ("" for none). The figure is None when it was not measured."""
    own = rows.get(f"{systems.OWN}, {bound.setting}", {})
    if not bound.against:
        return own.get(bound.measure), ""
    keys = {"fsync": peers("yes"), "any": peers()}.get(bound.against, [bound.against])
    peer = best(rows, bound.measure, keys)
    return (None, "") if peer is None else (ratio(own, rows[peer], bound.measure), peer)


def judge(bound, value):
    if value is None:
        return "not measured"
    return "ok" if (value >= bound.limit if bound.measure == "rate" else value <= bound.limit) else "MISSED"


def bounds_table(found):
    """The table of all bounds of the measured works, and whether each was kept."""
    lines, kept = [], True
    for bound in systems.BOUNDS:
        if bound.work not in found:
            continue
        value, peer = bound_value(bound, found[bound.work])
        verdict = judge(bound, value)
        kept = kept and verdict == "ok"
        unit, sense = "×" if bound.against else "", "≥" if bound.measure == "rate" else "≤"
        classes = {"fsync": "best that fsyncs", "any": "best of any durability", "": ""}
        against = classes.get(bound.against, bound.against)
        if bound.against in classes and peer:
            against += f": {peer}"
        lines.append([f"{bound.work}, {bound.setting}", NAMES[bound.measure], against, f"{sense} {bound.limit:g} {unit}".strip(),
                      "" if value is None else f"{value:,.2f} {unit}".strip(), verdict])
    return table(["work", "figure", "against", "bound", "measured", ""], lines), kept


def report(runs):
    """All tables as text, and whether every bound was kept."""
    found = medians(runs)
    parts = [f"{work}: {systems.TEXTS[work]}\n\n{work_table(work, rows)}" for work, rows in found.items()]
    text, kept = bounds_table(found)
    return "\n\n".join([*parts, "Bounds\n\n" + text]), kept
