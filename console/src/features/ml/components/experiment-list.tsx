import { Link } from "@tanstack/react-router";
import { useT } from "@/lib/i18n";
import type { Experiment } from "@/features/ml/types";
import { Since } from "./bits";
import { NameList, nameLinkClass, type ListColumn } from "./name-list";
import { NOTE_TAG } from "./note";
import { Tags } from "./tags";

export function ExperimentList({ experiments }: { experiments: readonly Experiment[] }) {
  const t = useT();
  const columns: ListColumn<Experiment>[] = [
    { label: t("ml.tags"), from: "md", className: "max-w-72", cell: ({ tags }) => <Tags tags={tags ?? []} label={t("ml.tags")} /> },
    { label: t("created"), from: "sm", className: "whitespace-nowrap text-muted", cell: (experiment) => <Since ms={experiment.creation_time} /> },
    { label: t("ml.updated"), className: "whitespace-nowrap text-muted", cell: (experiment) => <Since ms={experiment.last_update_time} /> },
  ];
  return (
    <NameList
      items={experiments}
      keyOf={(experiment) => experiment.experiment_id}
      name={({ experiment_id, name }) => (
        <Link to="/ml/experiments/$experimentId" params={{ experimentId: experiment_id }} className={nameLinkClass}>
          {name}
        </Link>
      )}
      about={({ tags }) => tags?.find(({ key }) => key === NOTE_TAG)?.value}
      columns={columns}
    />
  );
}
