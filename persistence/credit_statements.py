"""The statements about limits, exposures and what is set aside. $1 is the operator throughout."""

from __future__ import annotations

from typing import Final

from domain.credit.kinds import KINDS

_NAMES: Final = [kind.value for kind in KINDS]

ANYBODY: Final = "select exists (select from credit_account where operator = $1)"
# $2 the words of premium destinations, $3 how many customers are named.
WATCHING: Final = """
select o.country,
       (select array_agg(d.id) from destination d where d.operator = $1 and (d.name ~* $2
           or exists (select from unnest(d.groups) g where g ~* $2))) as premium,
       (select array_agg(w.customer) from (select customer from credit_account where operator = $1
           and subscription = 0 limit $3) w) as customers
  from operator o where o.id = $1
"""

# $2 customers, $3 subscriptions (0: the customer's own), from $4 on a column of sums for each kind. Rows are locked in
# one order by everybody, so that nobody waits crosswise.
MOVE: Final = f"""
with given as (
    select * from unnest($2::bigint[], $3::bigint[], {", ".join(f"${n}::bigint[]" for n, _ in enumerate(_NAMES, 4))})
        g (customer, subscription, {", ".join(f"d_{name}" for name in _NAMES)})),
held as materialized (
    select a.customer, a.subscription from credit_account a join given g using (customer, subscription)
     where a.operator = $1 order by a.customer, a.subscription for update of a),
moved as (
    update credit_account a set {", ".join(f"unbilled_{n} = a.unbilled_{n} + g.d_{n}" for n in _NAMES)}
      from given g join held h using (customer, subscription)
     where a.operator = $1 and a.customer = g.customer and a.subscription = g.subscription
    returning a.customer, (a.told <> '{{}}' and g.d_all < 0) or coalesce(
        {" or ".join(f"(a.mark_{n} is not null and a.unbilled_{n} + a.reserved_{n} >= a.mark_{n})" for n in _NAMES)},
        false) as look)
select distinct customer from moved where look order by customer
"""  # noqa: S608  (our own words)

EMPTY: Final = f"""
update credit_account set {", ".join(f"unbilled_{n} = 0" for n in _NAMES)}
 where operator = $1 and customer = any ($2::bigint[])
"""  # noqa: S608  (our own words)

KEEP: Final = f"""
update credit_account set told = $4::jsonb, {", ".join(f"mark_{n} = ${place}" for place, n in enumerate(_NAMES, 5))}
 where operator = $1 and customer = $2 and subscription = $3
"""  # noqa: S608  (our own words)

# $3 the country code; what was rated again counts with what took it back. $4 premium destinations.
UNBILLED: Final = """
select u.customer, u.subscription,
       (u.direction = 0 and $3::text <> '' and coalesce(u.b, '') ~ '^[0-9]{8,}$'
           and not starts_with(u.b, $3::text)) as abroad,
       u.destination = any ($4::int[]) as premium, u.visited is not null as roaming, u.mode = 'data' as data,
       u.retail_rate as rate, sum(u.retail_micro)::bigint as amount
  from usage u
 where u.operator = $1 and u.customer = any ($2::bigint[])
   and not exists (select from billed_through b where b.operator = u.operator and b.customer = u.customer
       and b.superseded_by is null and u.start < b.period_end and u.chunk <= b.horizon
       and (b.since is null or u.start >= b.since))
 group by 1, 2, 3, 4, 5, 6, 7
"""

# $2 customers: who was merged into them.
DOUBLES: Final = "select id, merged_into from customer where operator = $1 and merged_into = any ($2::bigint[])"

# $2 customers, $3 the accounts of what they owe.
OWED: Final = """
select d.customer, d.currency, sum(d.amount)::bigint as sum from (
    select e.customer, p.currency, p.amount_minor as amount from ledger_entry e
      join ledger_posting p on p.operator = e.operator and p.entry = e.id
     where e.operator = $1 and e.customer = any ($2::bigint[]) and p.account = any ($3::text[])
    union all
    select i.customer, i.currency, -i.amount_minor from invoice_dispute i
     where i.operator = $1 and i.customer = any ($2::bigint[]) and i.state = 'open') d
 group by d.customer, d.currency
"""

ANY_LIVE: Final = (
    "select exists (select from credit_reservation where operator = $1 and state in ('open', 'committed'))"
)
LIVE_OF: Final = """
select * from credit_reservation where operator = $1 and subscription = any ($2::bigint[])
   and state in ('open', 'committed') order by customer, id
"""

GROUPS: Final = """
select name from customer_group where operator = $1 and customer = $2 and valid_from <= $3
   and (valid_to is null or valid_to > $3)
"""

# Whom a limit covers and who is not watched: customers, and lines where a limit is of lines. $2: how many at a time.
MISSING: Final = """
with covered as (
    select l.customer, coalesce(l.subscription, 0) as subscription from credit_limit l
     where l.operator = $1 and l.customer is not null
    union
    select l.customer, 0 from credit_limit l where l.operator = $1 and l.customer is not null
    union
    select c.id, 0 from customer c where c.operator = $1 and exists (
        select from credit_limit l where l.operator = $1 and l.customer is null and (l.group_name is null or exists (
            select from customer_group g where g.operator = $1 and g.customer = c.id and g.name = l.group_name
               and g.valid_from <= now() and (g.valid_to is null or g.valid_to > now()))))
    union
    select s.customer, s.id from subscription s where s.operator = $1 and s.state <> 'ended' and exists (
        select from credit_limit l where l.operator = $1 and l.customer is null and l.each_line
           and (l.group_name is null or exists (
            select from customer_group g where g.operator = $1 and g.customer = s.customer and g.name = l.group_name
               and g.valid_from <= now() and (g.valid_to is null or g.valid_to > now())))))
select v.customer, v.subscription from covered v where not exists (
    select from credit_account a where a.operator = $1 and a.customer = v.customer and a.subscription = v.subscription)
   and not exists (select from customer m where m.operator = $1 and m.id = v.customer and m.merged_into is not null)
 order by v.customer, v.subscription limit $2
"""

# $2 the line, $3 the accounts of what a customer owes, $4 the instant, $5 whether its accounts are to be locked.
STANDING: Final = """
select s.customer, s.contract, s.id as subscription, s.reseller, s.state, s.ended_at, o.country, o.currency,
       credit_standing(s.operator, s.id, s.customer, $3::text[], $4, $5) as told
  from subscription s join operator o on o.id = s.operator
 where s.operator = $1 and s.id = $2
"""

_FIELDS: Final = 19  # of the row, before what is set aside of each kind
_ASIDE: Final = ", ".join(f"reserved_{n} = a.reserved_{n} + ${place}" for place, n in enumerate(_NAMES, _FIELDS + 1))
RESERVE: Final = f"""
with aside as (
    update credit_account a set {_ASIDE} where a.operator = $1 and a.customer = $2 and a.subscription in (0, $3))
insert into credit_reservation (operator, customer, subscription, reseller, reference, number, mode, direction, visited,
    start, state, granted, used, amount, kinds, draws, expires_at, client, changed_at)
values ({", ".join(f"${n}" for n in range(1, _FIELDS + 1))}) returning id
"""  # noqa: S608  (our own words)

# $2 customer, $3 line, from $4 on how much more of each kind.
_MORE: Final = ", ".join(f"reserved_{n} = a.reserved_{n} + ${place}" for place, n in enumerate(_NAMES, 4))
SET_ASIDE: Final = f"""
update credit_account a set {_MORE}
 where a.operator = $1 and a.customer = $2 and a.subscription in (0, $3)
"""  # noqa: S608  (our own words)
