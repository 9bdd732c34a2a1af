"""The statements of bill runs: what usage comes to, who pays for whom, what was billed, and the marks of it."""

from __future__ import annotations

from typing import Final

# $1 operator, $2 run, $3 start of the period, $4 its end, $5 horizon, $6 zone, $7 rates, $8 their currencies,
# $9 customers (null: all), $10 also those that may be billed to the run's payers.
_COLLECT: Final = """
insert into bill_run_usage (operator, run, customer, contract, subscription, mode, direction, group_name, currency,
late,
    first, events, used, amount_micro, corrects, payer)
select $1, $2, s.customer, s.contract, s.subscription, s.mode, s.direction, coalesce(d.groups[1], d.name, ''),
r.currency,
       s.late, (min(s.first) at time zone $6)::date, sum(s.events), sum(s.used), sum(s.amount), {corrects},
       s.payer
  from (
    select u.customer, u.contract, u.subscription, u.mode, u.direction, u.destination, u.retail_rate,
           u.start < $3 as late, min(u.start) as first,
           bigint_sum(case u.version % 2 when 1 then 1 else -1 end) as events,
           bigint_sum(u.used) as used, bigint_sum(u.retail_micro) as amount, {payer} as payer, {billed_by} as billed_by
      from usage u {stays}
     where u.operator = $1 and u.start < $4 and u.chunk <= $5
       and ($9::bigint[] is null or u.customer = any ($9::bigint[])) {unbilled}
     group by u.customer, u.contract, u.subscription, u.mode, u.direction, u.destination, u.retail_rate, u.start < $3,
           billed_by, payer
  ) s
  join unnest($7::bigint[], $8::text[]) as r (rate, currency) on r.rate = s.retail_rate
  left join destination d on d.operator = $1 and d.id = s.destination
 {correcting}
 group by s.customer, s.contract, s.subscription, s.mode, s.direction, coalesce(d.groups[1], d.name, ''), r.currency,
 s.late, {corrects}, s.payer
 -- Pages of payers find theirs side by side, and the index grows at its end.
 order by s.customer
"""
_STAYS: Final = """
      left join bill_run_stay y on y.operator = $1 and y.run = $2 and y.customer = u.customer
       and (y.since is null or u.start >= y.since::timestamp at time zone $6)
       and (y.until is null or u.start < y.until::timestamp at time zone $6)"""
_UNBILLED: Final = """
       and not exists (select from billed_through b where b.operator = u.operator and b.customer = u.customer
           and b.superseded_by is null and u.start < b.period_end and u.chunk <= b.horizon
           and (b.since is null or u.start >= b.since))"""
# The first run that billed the customer for this event, before it was rated again.
_BILLED_BY: Final = """
           case when u.version > 1 then (
               select min(b.run) from usage p join billed_through b on b.operator = p.operator
                  and b.customer = p.customer and p.start < b.period_end and p.chunk <= b.horizon
                  and (b.since is null or p.start >= b.since)
                where p.operator = u.operator and p.start = u.start and p.source = u.source and p.key = u.key
                  and p.version < u.version and p.customer = u.customer) end"""
_CORRECTING: Final = """
  left join lateral (
    select invoice_standing(i.operator, coalesce(i.original, i.number)) as number from invoice i
      join invoice_line l on l.operator = i.operator and l.customer = i.customer
       and l.invoice = i.id and l.line_customer = s.customer
     where s.billed_by is not null and i.operator = $1 and i.run = s.billed_by
       and (s.payer is null or i.customer = s.payer)
     order by i.id limit 1) n on s.billed_by is not null
 -- What was credited as a whole was given back already, and the credit says that nothing is charged for it anew.
 where n.number is null or not exists (select from invoice c where c.operator = $1 and c.kind = 'credit_note'
    and c.credit = 'whole' and c.original = n.number)"""
# Adding up everybody's events in one pass: sorting them, or going to each by an index, takes several times as long.
IN_ONE_PASS: Final = ("enable_sort", "enable_mergejoin", "enable_indexscan")


def collecting(*, stays: bool, billed: bool) -> str:
    """Return the statement that adds usage up; it asks neither for stays nor for marks of what is billed if none are.

    Events are many, and each question is asked of every one.
    """
    return _COLLECT.format(
        stays=_STAYS if stays else "",
        payer="y.payer" if stays else "null::bigint",
        unbilled=_UNBILLED if billed else "",
        billed_by=_BILLED_BY if billed else "null::bigint",
        correcting=_CORRECTING if billed else "",
        corrects="n.number" if billed else "null::text",
    )


# What resellers bought, by the customers they are invoiced as; the arguments are those above.
COLLECT_WHOLESALE: Final = """
insert into bill_run_usage (operator, run, customer, contract, subscription, mode, direction, group_name, currency,
late,
    first, events, used, amount_micro, corrects, payer, wholesale)
with term as (
    select reseller, customer, valid_from, lead(valid_from) over (partition by reseller order by valid_from) as valid_to
      from reseller_term where operator = $1),
tier as materialized (
    select p.id as pricing, t.place::int as place, m.customer, m.valid_from, m.valid_to
      from pricing p cross join lateral unnest(p.tiers) with ordinality t (reseller, place)
      join term m on m.reseller = t.reseller and m.customer is not null
     where p.operator = $1 and p.wholesale[t.place] is not null
       and ($9::bigint[] is null or m.customer = any ($9::bigint[])))
select $1, $2, s.customer, 0, 0, s.mode, s.direction, coalesce(d.groups[1], d.name, ''), r.currency,
       s.late, (min(s.first) at time zone $6)::date, sum(s.events), sum(s.used), sum(s.amount), n.number, s.payer, true
  from (
    select t.customer, u.mode, u.direction, u.destination, u.wholesale_rate[t.place] as rate,
           u.start < $3 as late, min(u.start) as first, sum(case u.version % 2 when 1 then 1 else -1 end) as events,
           sum(u.used) as used, sum(u.wholesale_micro[t.place]) as amount, y.payer,
           case when u.version > 1 then (
               select min(b.run) from usage p join billed_through b on b.operator = p.operator
                  and b.customer = t.customer and p.start < b.period_end and p.chunk <= b.horizon
                  and (b.since is null or p.start >= b.since)
                where p.operator = u.operator and p.start = u.start and p.source = u.source and p.key = u.key
                  and p.version < u.version) end as billed_by
      from usage u join tier t on t.pricing = u.pricing and u.start >= t.valid_from
       and (t.valid_to is null or u.start < t.valid_to)
      left join bill_run_stay y on y.operator = $1 and y.run = $2 and y.customer = t.customer
       and (y.since is null or u.start >= y.since::timestamp at time zone $6)
       and (y.until is null or u.start < y.until::timestamp at time zone $6)
     where u.operator = $1 and u.start < $4 and u.chunk <= $5 and u.wholesale_micro[t.place] is not null
       and not exists (select from billed_through b where b.operator = u.operator and b.customer = t.customer
           and b.superseded_by is null and u.start < b.period_end and u.chunk <= b.horizon
           and (b.since is null or u.start >= b.since))
     group by t.customer, u.mode, u.direction, u.destination, u.wholesale_rate[t.place], u.start < $3, billed_by,
           y.payer
  ) s
  join unnest($7::bigint[], $8::text[]) as r (rate, currency) on r.rate = s.rate
  left join destination d on d.operator = $1 and d.id = s.destination
  left join lateral (
    select invoice_standing(i.operator, coalesce(i.original, i.number)) as number from invoice i
      join invoice_line l on l.operator = i.operator and l.customer = i.customer
       and l.invoice = i.id and l.line_customer = s.customer
     where s.billed_by is not null and i.operator = $1 and i.run = s.billed_by
       and (s.payer is null or i.customer = s.payer)
     order by i.id limit 1) n on s.billed_by is not null
 where n.number is null or not exists (select from invoice c where c.operator = $1 and c.kind = 'credit_note'
    and c.credit = 'whole' and c.original = n.number)
 group by s.customer, s.mode, s.direction, coalesce(d.groups[1], d.name, ''), r.currency, s.late, n.number, s.payer
"""

# Who pays is read off the tree as it stands on a day: the dated place, or what the customer's own row says where it was
# never moved. Of customers whose payer has changed, the stays of the run tell who pays for which days.
PAYERS: Final = """
select c.id from customer c left join customer_place p on p.operator = c.operator and p.customer = c.id
   and p.valid_from <= $4 and (p.valid_to is null or p.valid_to > $4)
 where c.operator = $1 and c.id > $2 and ($3::bigint[] is null or c.id = any ($3::bigint[]))
   and (case when p.customer is null then c.pays_through else p.pays_through end is null
     or exists (select from bill_run_stay s where s.operator = c.operator and s.run = $5 and s.payer = c.id))
 order by c.id
"""

MEMBERS: Final = """
with recursive member as (
    select c.id as payer, 0 as depth, c.* from customer c where c.operator = $1 and c.id = any ($2::bigint[])
    union all
    select m.payer, m.depth + 1, u.* from member m cross join lateral (
        select c.* from customer c where c.operator = $1 and c.pays_through = m.id
           and not exists (select from customer_place p where p.operator = c.operator and p.customer = c.id)
        union all
        select c.* from customer_place p join customer c on c.operator = p.operator and c.id = p.customer
         where p.operator = $1 and p.pays_through = m.id
           and p.valid_from <= $4 and (p.valid_to is null or p.valid_to > $4)) u
     where m.depth < $3)
select * from member m where not exists (select from bill_run_stay s where s.operator = m.operator and s.run = $5
    and s.customer = m.id)
union all
select s.payer, case when s.payer = s.customer then 0 else 1 end, c.*
  from (select distinct payer, customer from bill_run_stay where operator = $1 and run = $5
     and payer = any ($2::bigint[])) s
  join customer c on c.operator = $1 and c.id = s.customer
order by payer, depth, number
"""

PAYERS_OF: Final = """
with recursive above as (
    select unnest($2::bigint[]) as id, 0 as depth
    union all
    select t.through, a.depth + 1 from above a cross join lateral (
        select case when p.customer is null then c.pays_through else p.pays_through end as through
          from customer c left join customer_place p on p.operator = c.operator and p.customer = c.id
           and p.valid_from <= $4 and (p.valid_to is null or p.valid_to > $4)
         where c.operator = $1 and c.id = a.id) t
     where t.through is not null and a.depth < $3)
select distinct a.id from above a join customer c on c.operator = $1 and c.id = a.id
  left join customer_place p on p.operator = c.operator and p.customer = c.id
   and p.valid_from <= $4 and (p.valid_to is null or p.valid_to > $4)
 where case when p.customer is null then c.pays_through else p.pays_through end is null
"""

BILLED: Final = """
select l.contract, l.service, l.fee_held_from, l.fee_start, l.fee_one_time, l.subscription, sum(l.net) as net,
       (array_agg(n.number order by i.id desc))[1] as number, array_agg(l.period_start order by l.invoice, l.position)
       as starts, array_agg(l.period_end order by l.invoice, l.position) as ends,
       array_agg(l.net order by l.invoice, l.position) as nets,
       array_agg(n.number order by l.invoice, l.position) as numbers
  from invoice_line l
  join invoice i on i.operator = l.operator and i.customer = l.customer and i.id = l.invoice
 -- What a credit note gave back is corrected as the invoice that it names: an invoice may have the note's own number.
 cross join lateral (select case when i.kind = 'invoice' then i.number
    else coalesce(l.corrects, i.original, i.number) end as number) n
 where l.operator = $1 and l.contract = any ($2::bigint[]) and l.fee_start >= $3
 group by l.contract, l.service, l.fee_held_from, l.fee_start, l.fee_one_time, l.subscription
"""

# The run's own row holds both bounds, so that the two statements cannot differ in them. $2 payers, $3 their customers,
# $4 run; of whoever had several payers, the days of each.
SPANS: Final = """
with span as (
    select a.customer, r.id as run, r.horizon, y.since::timestamp at time zone o.zone as since,
           least(r.period_end, coalesce(y.until, r.period_end))::timestamp at time zone o.zone as period_end
      from unnest($2::bigint[], $3::bigint[]) as a (payer, customer)
      join bill_run r on r.operator = $1 and r.id = $4 join operator o on o.id = r.operator
      left join bill_run_stay y on y.operator = $1 and y.run = r.id and y.customer = a.customer and y.payer = a.payer
     where y.since is null or y.since < r.period_end)
"""

SUPERSEDE: Final = (
    SPANS
    + """
update billed_through b set superseded_by = $4 from span m where b.operator = $1 and b.customer = m.customer
   and b.customer = any ($3::bigint[])
   and b.superseded_by is null and b.period_end <= m.period_end and b.horizon <= m.horizon
   and (m.since is null or b.since >= m.since)
"""
)

MARK: Final = (
    SPANS
    + """
insert into billed_through (operator, customer, run, since, period_end, horizon)
select $1, customer, run, since, period_end, horizon from span
"""
)

# $2 run, $3 how many there are to a page, $4 payers in their order.
DIVIDE: Final = """
insert into bill_run_page (operator, run, last, payers)
select $1, $2, max(payer), array_agg(payer order by payer)
  from unnest($4::bigint[]) with ordinality as t (payer, place) group by (place - 1) / $3::int
"""

# $2 billing day (the first is that of who has none), $3 group, $4 resellers, $5 the instant of the group, $6 the day of
# the tree.
CHOSEN: Final = """
select c.id from customer c left join customer_place p on p.operator = c.operator and p.customer = c.id
   and p.valid_from <= $6 and (p.valid_to is null or p.valid_to > $6)
 where c.operator = $1 and case when p.customer is null then c.pays_through else p.pays_through end is null
   and ($2::int is null or coalesce(c.billing_day, 1) = $2)
   and ($3::text is null or exists (select from customer_group g where g.operator = c.operator and g.customer = c.id
       and g.name = $3 and g.valid_from <= $5 and (g.valid_to is null or g.valid_to > $5)))
   and ($4::bigint[] is null or c.reseller = any ($4::bigint[]))
 order by c.id
"""

# Events in suspense that only lack a price, by who had the number then. $2 run, $3 end of the period.
UNPRICED: Final = """
insert into bill_run_unpriced (operator, run, customer, events)
select $1, $2, n.customer, count(*) from suspense s
  join number_assignment n on n.operator = s.operator
   and n.number = case s.event ->> 'direction' when 'in' then s.event ->> 'b' else s.event ->> 'a' end
   and n.valid_from <= s.start and (n.valid_to is null or n.valid_to > s.start)
 where s.operator = $1 and s.kind = 'unrated' and s.reason = 'no_rate' and s.resolved_at is null
   and s.start < $3
 group by n.customer
"""
