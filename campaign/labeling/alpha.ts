// Krippendorff's alpha for nominal labels (Krippendorff, Content Analysis, 2nd ed. 2004, §11.3):
//   α = 1 − D_o / D_e
// with the coincidences o_ck = Σ_u (ordered pairs of a label c and a label k in unit u) / (m_u − 1), where
// m_u is the number of labels of u, n_c = Σ_k o_ck, n = Σ_c n_c:
//   D_o = Σ_{c≠k} o_ck / n        D_e = Σ_{c≠k} n_c n_k / (n (n − 1))
// Units with fewer than two labels do not count.

/** `units`: the labels of each comparison. Undefined where no two labels differ in what could be chosen. */
export function krippendorffAlpha(units: readonly (readonly string[])[]): number | undefined {
  const totals = new Map<string, number>();
  let n = 0;
  let disagreeing = 0;
  for (const labels of units) {
    if (labels.length < 2) continue;
    const counts = new Map<string, number>();
    for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
    n += labels.length;
    for (const [label, count] of counts) {
      totals.set(label, (totals.get(label) ?? 0) + count);
      disagreeing += (count * (labels.length - count)) / (labels.length - 1);
    }
  }
  const expected = [...totals.values()].reduce((sum, count) => sum + count * (n - count), 0) / (n - 1);
  return n > 1 && expected > 0 ? 1 - disagreeing / expected : undefined;
}
