import { useInfiniteQuery } from "@tanstack/react-query";
import { Boxes, MessageSquareQuote } from "lucide-react";
import { useT } from "@/lib/i18n";
import { More } from "@/ui/more";
import { SearchField } from "@/ui/search-field";
import { Empty, Loaded } from "@/ui/states";
import { modelsQuery } from "@/features/ml/registry";
import { Begin, origin } from "./bits";
import { ModelList } from "./model-list";

const MODEL = `mlflow.sklearn.log_model(model, name="model",\n                         registered_model_name="churn")`;
const PROMPT = `mlflow.genai.register_prompt(\n    name="summary", template="Summarise: {{ text }}")`;

interface Props {
  isPrompts: boolean;
  find: string | undefined;
  onFind: (find: string | undefined) => void;
}

export function RegistryPage({ isPrompts, find, onFind }: Props) {
  const t = useT();
  const query = useInfiniteQuery(modelsQuery(find, isPrompts));
  return (
    <div className="card">
      <div className="border-b border-line p-3">
        <SearchField className="w-full sm:w-72" label={t(isPrompts ? "ml.prompt.find" : "ml.model.find")} value={find} onChange={onFind} />
      </div>
      <Loaded query={query}>
        {(data) => {
          const models = data.pages.flatMap((page) => page.items);
          if (models.length > 0) {
            return (
              <>
                <ModelList models={models} isPrompts={isPrompts} />
                <More query={query} />
              </>
            );
          }
          return (
            <Empty icon={isPrompts ? MessageSquareQuote : Boxes} title={t(find ? "ml.model.noMatch" : isPrompts ? "ml.prompt.none" : "ml.model.none")}>
              {!find && (
                <>
                  {t(isPrompts ? "ml.prompt.noneBody" : "ml.model.noneBody")}
                  <Begin>{`import mlflow\nmlflow.set_tracking_uri("${origin()}")\n${isPrompts ? PROMPT : MODEL}`}</Begin>
                </>
              )}
            </Empty>
          );
        }}
      </Loaded>
    </div>
  );
}
