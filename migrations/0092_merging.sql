-- Merging and erasing reach everything that hangs on a customer by now: what is charged, paid by, limited and set aside.

-- Gives what goes on beside contracts from one customer to another, after hand_over_customer, which takes what hangs on
-- contracts and lines along. What was issued, booked, sent or claimed stays. Runs as the owner, since accounts and what is
-- carried over are not the application's to move; it looks itself that both may be seen.
create or replace function hand_over_standing(double bigint, survivor bigint) returns void
    language plpgsql volatile security definer set search_path = pg_catalog, public as $$
declare
    tenant int := app_operator();
begin
    if (select count(*) from customer c where c.operator = tenant and c.id in (double, survivor)
            and app_reaches(c.reseller)) <> 2 then
        raise exception 'both customers must be seen';
    end if;
    update charge set customer = survivor, version = version + 1 where operator = tenant and customer = double;
    update mandate set customer = survivor, version = version + 1 where operator = tenant and customer = double;
    update fraud_alarm set customer = survivor where operator = tenant and customer = double;
    -- Of each kind the survivor's own limit goes before the double's; a line's has gone with its line.
    update credit_limit l set customer = survivor, version = version + 1
     where l.operator = tenant and l.customer = double and not exists (select from credit_limit s
        where s.operator = tenant and s.customer = survivor and s.subscription is null and s.kind = l.kind);
    update credit_override set customer = survivor where operator = tenant and customer = double;
    -- Whoever counts or sets something aside holds these rows, and everybody takes them in this order.
    perform from credit_account a where a.operator = tenant and a.customer in (double, survivor)
        order by a.customer, a.subscription for update;
    update credit_reservation set customer = survivor, version = version + 1
     where operator = tenant and customer = double;
    if exists (select from credit_account a where a.operator = tenant and a.customer = double) then
        insert into credit_account (operator, customer) values (tenant, survivor) on conflict do nothing;
        -- What is unbilled is counted anew from the usage of both.
        update credit_account s set reserved_all = s.reserved_all + d.reserved_all,
            reserved_international = s.reserved_international + d.reserved_international,
            reserved_premium = s.reserved_premium + d.reserved_premium,
            reserved_roaming = s.reserved_roaming + d.reserved_roaming,
            reserved_data = s.reserved_data + d.reserved_data,
            reserved_roaming_data = s.reserved_roaming_data + d.reserved_roaming_data
          from credit_account d
         where d.operator = tenant and d.customer = double and d.subscription = 0
           and s.operator = tenant and s.customer = survivor and s.subscription = 0;
        update credit_account d set customer = survivor
         where d.operator = tenant and d.customer = double and d.subscription <> 0
           and not exists (select from credit_account s where s.operator = tenant and s.customer = survivor
               and s.subscription = d.subscription);
        delete from credit_account where operator = tenant and customer = double;
    end if;
    -- What was too little for an invoice goes on the survivor's next one, and is carried no longer than it would have been.
    insert into bill_carried (operator, customer, since, run, amount)
        select operator, survivor, since, run, amount from bill_carried where operator = tenant and customer = double
        on conflict (operator, customer) do update set since = least(bill_carried.since, excluded.since);
    delete from bill_carried where operator = tenant and customer = double;
end $$;
revoke all on function hand_over_standing(bigint, bigint) from public;
grant execute on function hand_over_standing(bigint, bigint) to tollwright_app;

-- A contract, or what one was, without who signed it and where it is delivered.
create or replace function unsigned(document jsonb) returns jsonb language sql immutable set search_path = pg_catalog, public as
$$ select case when document ? 'past' then jsonb_set(now.document, '{past}', coalesce((
            select jsonb_agg(p.terms #- '{terms,signatory}' #- '{terms,site}' order by p.position)
              from jsonb_array_elements(document -> 'past') with ordinality p (terms, position)), '[]'))
        else now.document end
     from (select document #- '{terms,signatory}' #- '{terms,site}' as document) now $$;

-- What people wrote about somebody who is erased, and what he signed; called beside erase_customer.
create or replace function erase_written(person bigint) returns void
    language plpgsql volatile security definer set search_path = pg_catalog, public as $$
declare
    tenant int := app_operator();
begin
    if not exists (select from customer c where c.operator = tenant and c.id = person and app_reaches(c.reseller)) then
        raise exception 'the customer must be seen';
    end if;
    update contract set course = unsigned(course) where operator = tenant and customer = person;
    update contract_change set snapshot = unsigned(snapshot) - 'fields', detail = detail - 'reason' - 'site'
     where operator = tenant and customer = person;
    update quote set document = unsigned(document) - 'text' - 'reason', version = version + 1
     where operator = tenant and customer = person;
    update subscription_state set reason = null where operator = tenant and customer = person;
    update bucket_grant set reason = '' where operator = tenant and customer = person;
    update charge set text = '', reference = null, version = version + 1 where operator = tenant and customer = person;
    -- Whoever could not deliver may name the address that he tried.
    update dispatch set fault = null, version = version + 1 where operator = tenant and customer = person;
    update collection_letter set fault = null, version = version + 1 where operator = tenant and customer = person;
end $$;
revoke all on function unsigned(jsonb), erase_written(bigint) from public;
grant execute on function erase_written(bigint) to tollwright_app;

-- As in 0078, but for whose debts count.
create or replace function credit_standing(of_operator int, line bigint, of_customer bigint, own_accounts text[],
        at timestamptz, locked boolean) returns json language plpgsql volatile security definer
    set search_path = pg_catalog, public as $$
declare
    -- Who was merged into somebody: what those owe he owes.
    persons bigint[] := array(select c.id from customer c where c.operator = of_operator and c.merged_into = of_customer)
        || of_customer;
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
                 where e.operator = of_operator and e.customer = any (persons) and p.account = any (own_accounts)
                union all
                select i.currency, -i.amount_minor from invoice_dispute i
                 where i.operator = of_operator and i.customer = any (persons) and i.state = 'open') d
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
