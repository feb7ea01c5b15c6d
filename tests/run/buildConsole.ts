/** Builds the console unless a build of exactly these sources is there, as `npm start` does. */
import { ensureConsoleBuild } from "../../local/desk/consoleBuild";
import { ROOT } from "./command";

ensureConsoleBuild(ROOT, (line) => console.log(line));
