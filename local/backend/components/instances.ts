import type { Catalog, Namespace } from "../catalog/catalog";
import { checkValue } from "../catalog/validators";
import type {
  CronSpecification,
  HttpActionFunction,
  HttpRouterModule,
  RegisteredFunction,
} from "../loader/modules";
import { OperatorError } from "../store/store";
import { parseAddress } from "./address";
import type { ComponentDefinition } from "./definitions";

export type Variables = Record<string, string>;

/** A mounted component, or the app itself: its own tables, variables, functions, routes and crons. */
export class ComponentInstance {
  readonly children = new Map<string, ComponentInstance>();
  /** Children whose routes are served under a path prefix, longest prefix first. */
  readonly mounts: Array<{ prefix: string; child: ComponentInstance }> = [];
  functions = new Map<string, RegisteredFunction>();
  http: HttpRouterModule | null = null;
  crons: Record<string, CronSpecification> = {};

  constructor(
    readonly definition: ComponentDefinition,
    readonly namespace: Namespace,
    /** What its functions see as `process.env`. */
    readonly environment: Variables,
  ) {}

  /** Names of the instances from the app down, joined by slashes; empty for the app. */
  get path(): string {
    return this.namespace.path;
  }

  get isApp(): boolean {
    return this.path === "";
  }
}

function whereOf(path: string): string {
  return path === "" ? "the app" : `the component ${path}`;
}

/** Throws OperatorError when a declared variable has no value or one that its validator refuses. */
function checkVariables(definition: ComponentDefinition, path: string, variables: Variables): void {
  for (const { name, validator, isOptional } of definition.envVars) {
    const value = variables[name];
    if (value === undefined) {
      if (isOptional) continue;
      const how = path === "" ? "set it with --env-file" : "pass it in `env` where the component is used";
      throw new OperatorError(`${whereOf(path)} needs the environment variable ${name}; ${how}.`);
    }
    const found = checkValue(validator, value, () => undefined);
    if (found) {
      throw new OperatorError(
        `The environment variable ${name} of ${whereOf(path)} has a value that its definition refuses: ${found.message}`,
      );
    }
  }
}

/** A child's variables: only those it declares. A reference follows the parent's variable as it changes. */
function bindVariables(
  { definition, env }: ComponentDefinition["children"][number],
  path: string,
  parent: Variables,
): Variables {
  const declared = new Set(definition.envVars.map(({ name }) => name));
  const variables: Variables = {};
  for (const [name, binding] of env) {
    if (!declared.has(name)) {
      throw new OperatorError(`${whereOf(path)} does not declare the environment variable ${name}.`);
    }
    const get = binding.type === "value" ? () => binding.value : () => parent[binding.name];
    Object.defineProperty(variables, name, { get, enumerable: true });
  }
  checkVariables(definition, path, variables);
  return variables;
}

/** The app and everything mounted below it. */
export class Components {
  private readonly byPath = new Map<string, ComponentInstance>();
  readonly app: ComponentInstance;

  /** Builds the tree; functions are loaded into it afterwards. Throws OperatorError. */
  constructor(
    definition: ComponentDefinition,
    private readonly catalog: Catalog,
    environment: Variables,
  ) {
    checkVariables(definition, "", environment);
    this.app = this.mount(definition, "", environment);
  }

  private mount(definition: ComponentDefinition, path: string, environment: Variables): ComponentInstance {
    const instance = new ComponentInstance(definition, this.catalog.namespace(path), environment);
    this.byPath.set(path, instance);
    for (const child of definition.children) {
      if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(child.name)) {
        throw new OperatorError(
          `The component name ${JSON.stringify(child.name)} in ${whereOf(path)} must be letters, digits and underscores, starting with a letter.`,
        );
      }
      if (instance.children.has(child.name)) {
        throw new OperatorError(
          `${whereOf(path)} uses two components named ${child.name}; give one another name in use(..., { name }).`,
        );
      }
      const childPath = path === "" ? child.name : `${path}/${child.name}`;
      const variables = bindVariables(child, childPath, environment);
      instance.children.set(child.name, this.mount(child.definition, childPath, variables));
    }
    for (const [prefix, name] of definition.httpMounts) {
      instance.mounts.push({ prefix, child: instance.children.get(name)! });
    }
    instance.mounts.sort((a, b) => b.prefix.length - a.prefix.length);
    return instance;
  }

  /** Parents before children. */
  all(): Iterable<ComponentInstance> {
    return this.byPath.values();
  }

  at(path: string): ComponentInstance | undefined {
    return this.byPath.get(path);
  }

  /** The function at an address (see {@link parseAddress}), of whatever kind and visibility. */
  find(address: string): RegisteredFunction | undefined {
    const { component, path } = parseAddress(address);
    return this.byPath.get(component)?.functions.get(path);
  }

  get hasRoutes(): boolean {
    return [...this.byPath.values()].some(({ http }) => http !== null);
  }

  /** The handler of a request to the HTTP action server, with the instance that it runs in. */
  route(path: string, method: string): HttpRoute | null {
    const prefix = this.app.definition.httpPrefix;
    return path.startsWith(prefix) ? routeIn(this.app, path.slice(prefix.length - 1), method) : null;
  }
}

export interface HttpRoute {
  instance: ComponentInstance;
  handler: HttpActionFunction;
  /** The route as its router declares it. */
  path: string;
}

/** A mounted child goes before the instance's own routes, the longest prefix first. */
function routeIn(instance: ComponentInstance, path: string, method: string): HttpRoute | null {
  for (const { prefix, child } of instance.mounts) {
    const found = path.startsWith(prefix) ? routeIn(child, path.slice(prefix.length - 1), method) : null;
    if (found) return found;
  }
  const match = instance.http?.lookup(path, method);
  return match ? { instance, handler: match[0], path: match[2] } : null;
}
