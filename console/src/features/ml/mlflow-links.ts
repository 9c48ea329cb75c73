/**
 * Where an address of MLflow's own pages leads here: its clients print `…/#/experiments/1/runs/abc`, and people have such links in
 * their notes. Undefined for what is none of them.
 */
export function fromMlflow(hash: string): string | undefined {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?");
  const [kind, id, below, of] = path.split("/").filter(Boolean);
  if (id === undefined) return kind === "experiments" ? "/ml" : kind === "models" || kind === "prompts" ? `/ml/${kind}` : undefined;
  if (kind === "experiments") {
    if (below === "runs" && of !== undefined) return `/ml/runs/${of}`;
    if (below === "traces") {
      const trace = new URLSearchParams(query).get("selectedEvaluationId");
      return trace ? `/ml/traces/${encodeURIComponent(trace)}` : `/ml/experiments/${id}/traces`;
    }
    return `/ml/experiments/${id}`;
  }
  if (kind === "models") return `/ml/models/${id}${below === "versions" && of !== undefined ? `?version=${encodeURIComponent(of)}` : ""}`;
  return kind === "prompts" ? `/ml/prompts/${id}` : undefined;
}
