// Lint of the page, its engine, their tests and these scripts; run from the repository's root (`npm run lint` does).
import js from "@eslint/js";
import globals from "globals";

const PAGE = "src/signtalk/service/web";
const WORKERS = [`${PAGE}/offline_worker.js`, `${PAGE}/page/landmarker_worker.js`, `${PAGE}/page/engine_worker.js`];

export default [
  { ignores: [`${PAGE}/vendor/**`, `${PAGE}/vendor.new/**`, "web/node_modules/**"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "array-callback-return": "error",
      "consistent-return": "error",
      "default-case-last": "error",
      "eqeqeq": "error",
      "no-constructor-return": "error",
      "no-duplicate-imports": "error",
      "no-implicit-coercion": "error",
      "no-param-reassign": "error",
      "no-promise-executor-return": "error",
      "no-self-compare": "error",
      "no-shadow": "error",
      "no-template-curly-in-string": "error",
      "no-unmodified-loop-condition": "error",
      "no-unreachable-loop": "error",
      "no-unused-expressions": "error",
      "no-use-before-define": ["error", { functions: false, classes: false }],
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
  { files: [`${PAGE}/**`], languageOptions: { globals: globals.browser } },
  { files: [`${PAGE}/engine/**`], languageOptions: { globals: globals["shared-node-browser"] } },
  { files: WORKERS, languageOptions: { globals: { ...globals.worker, ...globals.serviceworker } } },
  { files: [`${PAGE}/*.js`], languageOptions: { sourceType: "script" } },
  { files: ["tests/**", "docs/**", "web/**", "benchmarks/**"], languageOptions: { globals: { ...globals.browser, ...globals.node } } },
];
