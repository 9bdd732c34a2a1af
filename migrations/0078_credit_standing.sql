-- How a line stands, in one question: everything that it takes to say how much of it may be used now.
--
-- It runs as the owner, so it asks no policy for each table; who may see the line is asked where it is called, of the line
-- itself, and the rest is its customer's. Amounts are micro-units, what is owed is in minor units by currency.
create or replace function credit_standing(of_operator int, line bigint, of_customer bigint, own_accounts text[],
        at timestamptz, locked boolean) returns json language plpgsql volatile security definer
    set search_path = pg_catalog, public as $$
begin
    if of_operator is distinct from public.app_operator() then
        return null;
    end if;
    if locked then
        -- The customer's account first, then the line's: the order in which an import takes them.
        perform from credit_account a where a.operator = of_operator and a.customer = of_customer
            and a.subscription in (0, line) order by a.subscription for update;
    end if;
    return (select json_build_object(
        'accounts', (select json_agg(a) from credit_account a where a.operator = of_operator
            and a.customer = of_customer and a.subscription in (0, line)),
        'limits', (select json_agg(l)::text from credit_limit l where l.operator = of_operator
            and (l.customer is null or l.customer = of_customer)),
        'overrides', (select json_agg(v) from credit_override v where v.operator = of_operator
            and v.customer = of_customer and v.ended_at is null),
        'groups', (select json_agg(g.name) from customer_group g where g.operator = of_operator
            and g.customer = of_customer and g.valid_from <= at and (g.valid_to is null or g.valid_to > at)),
        'owed', (select json_object_agg(w.currency, w.sum) from (
            select d.currency, sum(d.amount)::bigint as sum from (
                select p.currency, p.amount_minor as amount from ledger_entry e
                  join ledger_posting p on p.operator = e.operator and p.entry = e.id
                 where e.operator = of_operator and e.customer = of_customer and p.account = any (own_accounts)
                union all
                select i.currency, -i.amount_minor from invoice_dispute i
                 where i.operator = of_operator and i.customer = of_customer and i.state = 'open') d
             group by d.currency) w),
        'own_number', (select n.number from number_assignment n where n.operator = of_operator
            and n.subscription = line and n.valid_from <= at and (n.valid_to is null or n.valid_to > at)
            order by n.number limit 1),
        'bars', (select json_agg(b.bar) from subscription_barring b where b.operator = of_operator
            and b.subscription = line and b.until is null),
        'live', (select json_agg(r) from credit_reservation r where r.operator = of_operator
            and r.customer = of_customer and r.state in ('open', 'committed')
            and (r.expires_at <= at or r.draws <> '[]' or r.reference <> '')),
        'revision', (select json_build_array((select revision from catalogue where operator = of_operator), count(*),
            coalesce(max(id), 0)::bigint, coalesce(sum(id), 0)::bigint) from subscriber_change
            where operator = of_operator)));
end $$;
revoke execute on function credit_standing(int, bigint, bigint, text[], timestamptz, boolean) from public;
grant execute on function credit_standing(int, bigint, bigint, text[], timestamptz, boolean)
    to tollwright_app, tollwright_ingest;

-- Whether somebody's rows are the caller's to see, asked once per row: a policy that asks the table of customers itself is
-- planned as a list of all of them.
create or replace function app_sees(person bigint) returns boolean language plpgsql stable parallel safe security definer
    set search_path = pg_catalog, public as $$
begin
    if current_setting('app.resellers', true) = '*' then
        return true;
    end if;
    return exists (select from public.customer c where c.operator = public.app_operator() and c.id = person
        and public.app_reaches(c.reseller));
end $$;
grant execute on function app_sees(bigint) to tollwright_app, tollwright_ingest;

do $$
declare
    name text;
begin
    foreach name in array array['credit_override', 'credit_account', 'credit_bar', 'fraud_alarm'] loop
        execute format('drop policy if exists own on %I', name);
        execute format('create policy own on %I using (operator = app_operator() and app_sees(customer)) '
            'with check (operator = app_operator() and app_sees(customer))', name);
    end loop;
    drop policy if exists own on credit_limit;
    create policy own on credit_limit using (operator = app_operator() and (customer is null or app_sees(customer)))
        with check (operator = app_operator() and (customer is null or app_sees(customer)));
end $$;

-- Rows of accounts are moved by every chunk: with room in their page they stay there, and no index is touched.
alter table credit_account set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
