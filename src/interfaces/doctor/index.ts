export { checks, examine, type Finding, type Patient, sizeText } from "./checks.ts";
export { doctorCommand } from "./command.ts";
