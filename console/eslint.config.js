import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import { readdirSync } from "node:fs";
import tseslint from "typescript-eslint";

const features = readdirSync(new URL("./src/features", import.meta.url));

/** Arrows go one way: routes → features → ui, lib → api. Folders are reached through `@/`, so the specifier tells the floor. */
function floor(files, forbidden) {
  return {
    files,
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            { group: ["../../*"], message: "Cross folders through @/, so that the import rule can see it." },
            ...forbidden.map(([group, message]) => ({ group, message })),
          ],
        },
      ],
    },
  };
}

export default tseslint.config(
  { ignores: ["dist", "src/routeTree.gen.ts", "src/api/schema.ts", "node_modules", "test-results"] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked.map((config) => ({ ...config, files: ["src/**/*.{ts,tsx}"] })),
  {
    files: ["src/**/*.{ts,tsx}"],
    languageOptions: { parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    plugins: { "react-hooks": hooks },
    rules: {
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
      "@typescript-eslint/no-floating-promises": "off", // mutations report through their own state
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: false }],
      "@typescript-eslint/only-throw-error": "off", // the router's redirect() is thrown
      "@typescript-eslint/consistent-type-imports": "error",
      "no-restricted-syntax": [
        "error",
        { selector: "ExportAllDeclaration", message: "No barrel files." },
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "Text is text: nothing is written as HTML.",
        },
      ],
    },
  },
  // Type-checked by tsc, which knows what is defined where.
  { files: ["e2e/**", "scripts/**", "*.{js,ts}"], rules: { "no-undef": "off" } },
  { files: ["public/*.js"], languageOptions: { globals: { localStorage: "readonly", document: "readonly" } } },
  // The rule for JavaScript takes the names in types for variables; tsc finds what is unused.
  { files: ["e2e/**/*.ts", "*.ts"], languageOptions: { parser: tseslint.parser }, rules: { "no-unused-vars": "off" } },
  floor(["src/lib/**", "src/api/**"], [
    [["@/routes/*", "@/features/*", "@/ui/*"], "lib knows neither views nor features."],
  ]),
  floor(["src/ui/**"], [[["@/routes/*", "@/features/*"], "The design kit knows no feature."]]),
  ...features.map((feature) =>
    floor([`src/features/${feature}/**`], [
      [["@/routes/*"], "Features do not know routes."],
      [
        features.filter((other) => other !== feature).map((other) => `@/features/${other}/*`),
        "Features never import each other: compose them in a route.",
      ],
    ]),
  ),
);
