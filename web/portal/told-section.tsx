// What gateways are told about me, agent by agent: the way of one connection, the headers, and the claims of the
// assertion with what each of them means. A sample: the signature, which makes it count, never leaves the front door.
import type { MeAnswer, ToldAnswer } from "../../core/api.ts";
import { timeText } from "../page/time-text.ts";
import type { Told } from "./ask-told.ts";

type Props = {
  readonly agents: MeAnswer["agents"];
  readonly told: ReadonlyMap<string, Told | null>;
  readonly tell: (agent: string) => void;
};

export function ToldSection({ agents, told, tell }: Props) {
  return (
    <section class="told" aria-labelledby="told">
      <h2 id="told">What gateways are told about you</h2>
      <p class="quiet">
        When you open an agent, the front door tells its gateway who you are. This is what it would say now: a
        sample, without the signature that makes it count.
      </p>
      {agents.map(({ id, name, gateway, gatewayLabel }) => (
        <details
          key={id}
          onToggle={(event) => {
            if (event.currentTarget.open) tell(id);
          }}
        >
          <summary>
            <bdi>{name}</bdi>
          </summary>
          <Answer told={told.get(id) ?? null} gatewayName={gatewayLabel ?? gateway} />
        </details>
      ))}
    </section>
  );
}

type AnswerProps = { readonly told: Told | null; readonly gatewayName: string | null };

function Answer({ told, gatewayName }: AnswerProps) {
  if (told === null) return <p role="status">Asking…</p>;
  if (told.kind === "refused")
    return (
      <p role="status">
        Nothing at the moment. <bdi>{told.message}</bdi>
      </p>
    );
  const { gateway, endpoint, headers, assertion } = told.answer;
  return (
    <>
      <ol class="way">
        <li>
          You{" "}
          <bdi class="quiet">{assertion.claims.email ?? assertion.claims.name ?? assertion.claims.sub}</bdi>
        </li>
        <li>
          Front door <span class="quiet">checks your session and IT's rules, and signs</span>
        </li>
        <li>
          Gateway <bdi>{gatewayName ?? gateway}</bdi>{" "}
          <bdi class="quiet">
            {gateway}/{endpoint}
          </bdi>{" "}
          <span class="quiet">believes the front door alone</span>
        </li>
      </ol>
      <h3>Headers</h3>
      <dl class="told-list">
        {headers.map(([name, value]) => (
          <Row key={name} name={name} value={value} />
        ))}
      </dl>
      <h3>
        Assertion, in <code>{assertion.header}</code>
      </h3>
      <dl class="told-list">
        {Object.entries(assertion.claims).map(([name, value]) => (
          <Row key={name} name={name} value={valueText(name, value)} meaning={MEANINGS[name]} />
        ))}
      </dl>
    </>
  );
}

type RowProps = { readonly name: string; readonly value: string; readonly meaning?: string | undefined };

function Row({ name, value, meaning }: RowProps) {
  return (
    <div>
      <dt>
        <code>{name}</code>
      </dt>
      <dd>
        <bdi>{value}</bdi>
        {meaning !== undefined && <span class="quiet"> {meaning}</span>}
      </dd>
    </div>
  );
}

const MEANINGS: Readonly<Partial<Record<string, string>>> = {
  iss: "who says it",
  aud: "the one place that accepts it",
  sub: "you, the same at every gateway",
  sid: "this sign-in: when it ends, so does the connection",
  agents: "what this connection may use",
  use: "what it is good for",
  iat: "said then",
  exp: "accepted until then",
  jti: "makes it count once",
} satisfies Partial<Record<keyof ToldAnswer["assertion"]["claims"], string>>;

function valueText(name: string, value: unknown): string {
  if (value === null) return "not said";
  if (Array.isArray(value)) return value.join(", ");
  const isTime = (name === "iat" || name === "exp") && typeof value === "number";
  return isTime ? `${value} (${timeText(new Date(value * 1_000).toISOString())})` : String(value);
}
