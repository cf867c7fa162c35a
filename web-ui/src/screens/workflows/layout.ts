// Where the jobs of a graph go: a column for each step of the longest way to them, in each column near what they wait for.

export interface Placed {
  ref: string;
  column: number;
  row: number;
}

export interface Node {
  ref: string;
  dependsOn: string[];
}

/// The broker lets no circle in; one would be cut.
function columnsOf(nodes: Node[]): Map<string, number> {
  const byRef = new Map(nodes.map((node) => [node.ref, node]));
  const columns = new Map<string, number>();
  const visit = (ref: string, open: Set<string>): number => {
    const known = columns.get(ref);
    if (known !== undefined) return known;
    if (open.has(ref)) return -1;
    open.add(ref);
    const column = 1 + Math.max(-1, ...(byRef.get(ref)?.dependsOn ?? []).filter((parent) => byRef.has(parent)).map((parent) => visit(parent, open)));
    open.delete(ref);
    columns.set(ref, column);
    return column;
  };
  for (const {ref} of nodes) visit(ref, new Set());
  return columns;
}

export function layout(nodes: Node[]): Placed[] {
  const columns = columnsOf(nodes);
  const rows = new Map<string, number>();
  const placed: Placed[] = [];
  const last = Math.max(-1, ...columns.values());
  for (let column = 0; column <= last; column++) {
    const here = nodes.filter(({ref}) => columns.get(ref) === column);
    const pull = ({dependsOn}: Node) => {
      const known = dependsOn.flatMap((parent) => rows.get(parent) ?? []);
      return known.length ? known.reduce((sum, row) => sum + row, 0) / known.length : Infinity;
    };
    here
      .map((node, index) => ({node, index, pull: pull(node)}))
      .sort((a, b) => (a.pull === b.pull ? a.index - b.index : a.pull - b.pull))
      .forEach(({node}, row) => {
        rows.set(node.ref, row);
        placed.push({ref: node.ref, column, row});
      });
  }
  return placed;
}

/// The longest chain that has not ended: what the end of the whole waits for. Refs, the first to run first.
export function openChain(nodes: (Node & {ended: boolean})[]): string[] {
  const byRef = new Map(nodes.map((node) => [node.ref, node]));
  const chains = new Map<string, string[]>();
  const chainTo = (ref: string): string[] => {
    const known = chains.get(ref);
    if (known) return known;
    chains.set(ref, []);
    const node = byRef.get(ref);
    if (!node || node.ended) return [];
    const before = node.dependsOn.map(chainTo).reduce<string[]>((best, chain) => (chain.length > best.length ? chain : best), []);
    const chain = [...before, ref];
    chains.set(ref, chain);
    return chain;
  };
  return nodes.map(({ref}) => chainTo(ref)).reduce<string[]>((best, chain) => (chain.length > best.length ? chain : best), []);
}
