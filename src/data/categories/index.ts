export {
  type CategoryCell,
  type CategoryEncoder,
  type CategoryTable,
  categoriesFromJson,
  type FitCategoriesOptions,
  fitCategories,
  oneHotNames,
  toOneHot,
  toOrdinal,
  type UnknownPolicy,
} from "./categories.ts";
