"""What takes a room's whole story to make, as rows of the database: enough of each for somebody else to ask for it."""

from __future__ import annotations

from typing import Any, Final

from api.graphql.ids import global_id
from persistence.engine import OWNER
from tests.api.conftest import House

# Kind: the statement that makes one of an operator ($1), his customer ($2) and one of his invoices ($3).
ROWS: Final = {
    "PrintBatch": """insert into print_batch (operator, number, state, documents, pages, sheets, totals, duplex, digest,
            files, made_at, made_by) values ($1, 900, 'made', 1, 1, 1, '{}', false, '\\x00', '{}', now(), 'x')
        returning id, $2::bigint, $3::bigint""",
    "Dispatch": """insert into dispatch (operator, invoice, number, kind, customer, form, way, state, queued_at,
            changed_at, batch, sequence)
        values ($1, $3, 'x', 'invoice', $2, 'pdf', 'print', 'failed', now(), now(),
            (select id from print_batch where operator = $1), 1) returning id""",
    "Claim": """insert into claim (operator, customer, invoice, kind, currency, amount_minor, claimed_on, due_on)
        values ($1, $2, $3, 'reminder_fee', 'SEK', 6000, '2026-04-01', '2026-05-01') returning id""",
    "Settlement": """insert into settlement (operator, customer, kind, currency, amount_minor, booked_on, made_at,
            client) values ($1, $2, 'rounding', 'SEK', 1, '2026-04-01', now(), 'x') returning id, $3::bigint""",
    "CollectionCase": """insert into collection_case (operator, customer, agency, currency, invoices, opened_on,
            claimed_minor, state) values ($1, $2, 'x', 'SEK', array[$3::bigint], '2026-04-01', 1, 'open')
        returning id""",
    "CollectionHold": """insert into collection_hold (operator, customer, kind, reason, made_at, client)
        values ($1, $2, 'stop', 'x', now(), 'x') returning id, $3::bigint""",
    "BasisBatch": """insert into basis_batch (operator, after, horizon, made_at, lines) values ($1, 0, 0, now(), 0)
        returning id, $2::bigint, $3::bigint""",
    "CommissionStatement": """insert into commission_statement (operator, period_start, period_end, currency, made_at,
            client, horizon, total) values ($1, '2026-01-01', '2026-02-01', 'SEK', now(), 'x', 0, 0)
        returning id, $2::bigint, $3::bigint""",
    "Grant": """insert into bucket_grant (operator, customer, kind, bucket, owner, amount, since, until, granted_at,
            client) values ($1, $2, 'grant', 'x', 'x', 1, now(), now() + interval '1 year', now(), 'x')
        returning id, $3::bigint""",
    "OrderFile": """insert into order_file (operator, format, number, name, content, sha256, orders, total_minor,
            made_at, client) values ($1, 'pain001.09', 900, 'x', '\\x00', '\\x00', 0, 0, now(), 'x')
        returning id, $2::bigint, $3::bigint""",
    "Mandate": """insert into mandate (operator, customer, scheme, payer_number, state, origin, requested_at, blocked)
        values ($1, $2, 'autogiro', '900', 'active', 'api', now(), true) returning id, $3::bigint""",
    "DebitOrder": """insert into debit_order (operator, file, mandate, customer, invoice, currency, amount_minor,
            due_on, attempt, state, entry)
        select $1, f.id, m.id, $2, $3, 'SEK', 1, '2026-04-01', 1, 'rejected', (select min(key) from ledger_entry
            where operator = $1) from order_file f join mandate m on m.operator = f.operator where f.operator = $1
        returning id""",
    "Refund": """insert into refund (operator, customer, invoice, currency, amount_minor, name, account, scheme, state,
            entry, made_at, client)
        values ($1, $2, $3, 'SEK', 1, 'x', 'x', 'sepa', 'requested', (select min(key) from ledger_entry
            where operator = $1), now(), 'x') returning id""",
    "TakenStep": """with rule as (insert into collection_rule (operator, name, currency, steps, valid_from, fees_agreed,
                minimum, pay_days, active)
            values ($1, 'x', 'SEK', '[]', '2026-01-01', false, '{}', 10, false) returning id)
        insert into collection_step (operator, customer, invoice, rule, position, kind, done_on, at, client, currency,
            open_minor, fee_minor, compensation_minor, interest_minor, orders)
        select $1, $2, $3, rule.id, 0, 'reminder', '2026-04-01', now(), 'x', 'SEK', 1, 0, 0, 0, '{}' from rule
        returning id""",
    "FraudSuspicion": """insert into fraud_alarm (operator, customer, rule, subscription, value, since, seen_at,
            last_at)
        select $1, $2, r.id, s.id, 1, now(), now(), now() from fraud_rule r join subscription s
            on s.operator = r.operator and s.customer = $2 where r.operator = $1 limit 1 returning id, $3::bigint""",
    "UserSession": """insert into user_session (operator, user_id, sid, client_id, factor, scopes, created_at,
            renewed_at, ends_at)
        select $1, (select min(id) from app_user where operator = $1), 'sid of ' || $1::int, min(client_id), 'password',
            '{}', '2026-03-01', '2026-03-01', '2027-01-01' from api_client where operator = $1
        returning id, $2::bigint, $3::bigint""",
    "InstalmentPlan": """insert into instalment_plan (operator, customer, invoices, currency, parts, state, made_at,
            client) values ($1, $2, array[$3::bigint], 'SEK', '[]', 'active', now(), 'x') returning id""",
    "CustomerCharge": """insert into charge (operator, customer, kind, text, quantity, unit, unit_price, vat_percent,
            account, starts, created_at) values ($1, $2, 'manual', 'x', 1, 'C62', 1, 25, '3001', '2027-01-01', now())
        returning id, $3::bigint""",
    "IdentityProvider": """insert into identity_provider (operator, name, issuer, client_id, scopes, rules, makes_users,
            asks_twice, active, version, created_at)
        values ($1, 'own', 'https://idp.example', 'x', '{openid}', '[]', false, false, true, 1, now())
        returning id, $2::bigint, $3::bigint""",
}


async def add_rows(house: House, operator: int, customer: int, invoice: int) -> dict[str, str]:
    """Make one of each for an operator and return their ids."""
    found: dict[str, str] = {}
    async with house.database.transaction(role=OWNER) as unit:
        connection: Any = unit.connection
        for kind, text in ROWS.items():
            found[kind] = global_id(kind, await connection.fetchval(text, operator, customer, invoice))
    return found
