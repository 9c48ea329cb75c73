/** MLflow's answers, as its REST API has them: what is not set is left out, whole numbers may come as texts. */
export interface Pair {
  key: string;
  value: string;
}

export interface Experiment {
  experiment_id: string;
  name: string;
  artifact_location?: string;
  lifecycle_stage: "active" | "deleted";
  creation_time?: number;
  last_update_time?: number;
  tags?: Pair[];
}

export type RunStatus = "RUNNING" | "SCHEDULED" | "FINISHED" | "FAILED" | "KILLED";

export interface RunInfo {
  run_id: string;
  experiment_id: string;
  run_name?: string;
  user_id?: string;
  status: RunStatus;
  start_time?: number;
  end_time?: number;
  artifact_uri?: string;
  lifecycle_stage: "active" | "deleted";
}

export interface Metric {
  key: string;
  /** NaN travels as a text. */
  value: number | "NaN";
  timestamp: number;
  step?: number;
  run_id?: string;
}

export interface Dataset {
  name: string;
  digest: string;
  source_type?: string;
  source?: string;
  schema?: string;
  profile?: string;
}

export interface Run {
  info: RunInfo;
  data: { metrics?: Metric[]; params?: Pair[]; tags?: Pair[] };
  inputs?: { dataset_inputs?: { tags?: Pair[]; dataset: Dataset }[]; model_inputs?: { model_id: string }[] };
  outputs?: { model_outputs?: { model_id: string; step?: number }[] };
}

export interface Found<T> {
  items: T[];
  token: string | undefined;
}

export interface ArtifactFile {
  path: string;
  is_dir: boolean;
  file_size?: number;
}

export interface LoggedModel {
  info: {
    model_id: string;
    experiment_id: string;
    name: string;
    status: string;
    model_type?: string;
    source_run_id?: string;
    creation_timestamp_ms: number;
    registrations?: { name: string; version: string }[];
  };
}

export interface Version {
  name: string;
  version: string;
  creation_timestamp: number;
  last_updated_timestamp?: number;
  user_id?: string;
  current_stage?: string;
  description?: string;
  source?: string;
  run_id?: string;
  status?: string;
  tags?: Pair[];
  aliases?: string[];
  model_id?: string;
}

export interface Model {
  name: string;
  creation_timestamp: number;
  last_updated_timestamp?: number;
  description?: string;
  latest_versions?: Version[];
  tags?: Pair[];
  aliases?: { alias: string; version: string }[];
}

export interface Assessment {
  assessment_id?: string;
  assessment_name?: string;
  source?: { source_type?: string; source_id?: string };
  create_time?: string;
  feedback?: { value?: unknown; error?: { error_code?: string; error_message?: string } };
  expectation?: { value?: unknown; serialized_value?: { value?: string } };
  rationale?: string;
  span_id?: string;
}

export interface TraceInfo {
  trace_id: string;
  trace_location?: { mlflow_experiment?: { experiment_id: string } };
  request_time: string;
  execution_duration?: string;
  state: string;
  request_preview?: string;
  response_preview?: string;
  client_request_id?: string;
  trace_metadata?: Record<string, string>;
  tags?: Record<string, string>;
  assessments?: Assessment[];
}

/** A span as OpenTelemetry's JSON has it. */
export interface Span {
  span_id: string;
  parent_span_id?: string;
  name: string;
  start_time_unix_nano: number | string;
  end_time_unix_nano?: number | string;
  status?: { code?: string; message?: string };
  attributes?: unknown;
  events?: { name: string; time_unix_nano?: number | string; attributes?: unknown }[];
}

export interface Trace {
  trace_info: TraceInfo;
  spans?: Span[];
}
