export {
  choleskyFactor,
  choleskyInverse,
  choleskySolve,
  choleskyUpdate,
  solveLower,
  solveLowerTransposed,
} from "./cholesky.ts";
export { type Eigen, symmetricEigen } from "./eigen.ts";
export { type LdlFactor, ldlFactor, ldlSolve } from "./ldl.ts";
export {
  diagonalMatrix,
  diagonalOf,
  identityMatrix,
  type Matrix,
  matrix,
  matrixFrom,
  rowOf,
  submatrix,
  transpose,
} from "./matrix.ts";
export {
  dot,
  gramOfRows,
  mirrorLower,
  multiply,
  multiplyTransposed,
  multiplyTransposedVector,
  multiplyVector,
  quadraticForm,
} from "./products.ts";
