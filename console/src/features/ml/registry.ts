import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { useWrite } from "@/lib/queries-client";
import { get, post } from "./client";
import { quoteValue } from "./columns";
import { keys, type TagChange } from "./queries";
import type { Model, Version } from "./types";

/** A prompt is a registered model with this tag; searches hide it unless they name it. */
export const PROMPT_TAG = "mlflow.prompt.is_prompt";
export const PROMPT_TEXT = "mlflow.prompt.text";
/** Older clients' name of the same. */
export const PROMPT_KIND = "_mlflow_prompt_type";
export const STAGES = ["None", "Staging", "Production", "Archived"] as const;

const IS_PROMPT = `tags.\`${PROMPT_TAG}\` = 'true'`;
const MODELS_EACH = 100;

export const modelsQuery = (words: string | undefined, prompts: boolean) =>
  infiniteQueryOptions({
    queryKey: [...keys.models, "list", { words, prompts }],
    queryFn: async ({ pageParam, signal }) => {
      const clauses = [words && `name ILIKE ${quoteValue(`%${words}%`)}`, prompts && IS_PROMPT].filter(Boolean);
      const answer = await get<{ registered_models?: Model[]; next_page_token?: string }>(
        "registered-models/search",
        { filter: clauses.join(" AND ") || undefined, max_results: MODELS_EACH, page_token: pageParam },
        { signal },
      );
      return { items: answer.registered_models ?? [], token: answer.next_page_token };
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ token }) => token,
    placeholderData: keepPreviousData,
  });

export const modelQuery = (name: string) =>
  queryOptions({
    queryKey: [...keys.models, "one", name],
    queryFn: async ({ signal }) => (await get<{ registered_model: Model }>("registered-models/get", { name }, { signal })).registered_model,
  });

const VERSIONS_EACH = 200;

/** The versions of a model, the newest first. */
export const versionsQuery = (name: string, isPrompt = false) =>
  infiniteQueryOptions({
    queryKey: [...keys.models, "versions", name, isPrompt],
    queryFn: async ({ pageParam, signal }) => {
      const answer = await get<{ model_versions?: Version[]; next_page_token?: string }>(
        "model-versions/search",
        { filter: `name = ${quoteValue(name)}${isPrompt ? ` AND ${IS_PROMPT}` : ""}`, max_results: VERSIONS_EACH, order_by: ["version_number DESC"], page_token: pageParam },
        { signal },
      );
      return { items: answer.model_versions ?? [], token: answer.next_page_token };
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ token }) => token,
  });

export const versionQuery = (name: string, version: string) =>
  queryOptions({
    queryKey: [...keys.models, "version", name, version],
    queryFn: async ({ signal }) => (await get<{ model_version: Version }>("model-versions/get", { name, version }, { signal })).model_version,
  });

/** The versions that a run made. */
export const versionsOfRunQuery = (runId: string) =>
  queryOptions({
    queryKey: [...keys.models, "of-run", runId],
    queryFn: async ({ signal }) => (await get<{ model_versions?: Version[] }>("model-versions/search", { filter: `run_id = ${quoteValue(runId)}` }, { signal })).model_versions ?? [],
  });

const write = (method: "POST" | "PATCH" | "DELETE", path: string, body: unknown) => post(path, body, { method });

export const useDescribeModel = (name: string) =>
  useWrite((description: string) => write("PATCH", "registered-models/update", { name, description }), keys.models);

export const useRenameModel = (name: string) =>
  useWrite((newName: string) => write("POST", "registered-models/rename", { name, new_name: newName }), keys.models);

export const useDeleteModel = (name: string) => useWrite(() => write("DELETE", "registered-models/delete", { name }), keys.models);

export const useTagModel = (name: string) =>
  useWrite(
    ({ key, value }: TagChange) =>
      value === undefined ? write("DELETE", "registered-models/delete-tag", { name, key }) : write("POST", "registered-models/set-tag", { name, key, value }),
    keys.models,
  );

export const useDescribeVersion = (name: string, version: string) =>
  useWrite((description: string) => write("PATCH", "model-versions/update", { name, version, description }), keys.models);

export const useTagVersion = (name: string, version: string) =>
  useWrite(
    ({ key, value }: TagChange) =>
      value === undefined
        ? write("DELETE", "model-versions/delete-tag", { name, version, key })
        : write("POST", "model-versions/set-tag", { name, version, key, value }),
    keys.models,
  );

export const useDeleteVersion = (name: string) => useWrite((version: string) => write("DELETE", "model-versions/delete", { name, version }), keys.models);

/** An alias stands at one version: setting it takes it from another. */
export const useSetAlias = (name: string) =>
  useWrite(({ alias, version }: { alias: string; version: string }) => write("POST", "registered-models/alias", { name, alias, version }), keys.models);

export const useDeleteAlias = (name: string) => useWrite((alias: string) => write("DELETE", "registered-models/alias", { name, alias }), keys.models);

export const useMoveVersion = (name: string) =>
  useWrite(
    ({ version, stage, archives }: { version: string; stage: string; archives: boolean }) =>
      write("POST", "model-versions/transition-stage", { name, version, stage, archive_existing_versions: archives }),
    keys.models,
  );
