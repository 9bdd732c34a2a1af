-- What is done to a whole person: a double's contracts go to the one that survives, and who asks for it is erased.

-- A contract takes everything that hangs on it along when it goes to another customer. What is invoiced stays.
do $$
declare
    one record;
begin
    for one in
        select k.conname, k.conrelid::regclass as child, pg_get_constraintdef(k.oid) as said
          from pg_constraint k join pg_class p on p.oid = k.confrelid join pg_namespace n on n.oid = p.relnamespace
         where k.contype = 'f' and k.confupdtype = 'a' and n.nspname = 'public' and p.relname not in ('invoice', 'customer')
           and exists (select from pg_attribute a where a.attrelid = k.confrelid and a.attnum = any (k.confkey)
               and a.attname = 'customer')
    loop
        execute format('alter table %s drop constraint %I', one.child, one.conname);
        execute format('alter table %s add constraint %I %s on update cascade', one.child, one.conname, one.said);
    end loop;
end $$;

-- Gives everything that goes on from one customer to another; the counts are told. Runs as the owner, since buckets'
-- balances and the customer's groups are not the application's to move; it looks itself that both may be seen.
create or replace function hand_over_customer(double bigint, survivor bigint, moved_at timestamptz) returns jsonb
    language plpgsql volatile security definer set search_path = pg_catalog, public as $$
declare
    tenant int := app_operator();
    contracts bigint;
    lines bigint;
    numbers bigint;
    groups bigint;
    kept text;
begin
    if (select count(*) from customer c where c.operator = tenant and c.id in (double, survivor)
            and app_reaches(c.reseller)) <> 2 then
        raise exception 'both customers must be seen';
    end if;
    select count(*) into lines from subscription s where s.operator = tenant and s.customer = double;
    select count(*) into numbers from number_assignment a where a.operator = tenant and a.customer = double
        and (a.valid_to is null or a.valid_to > moved_at);
    if exists (select from draw_customer d where d.operator = tenant and d.customer = double) then
        insert into draw_customer (operator, customer) values (tenant, survivor) on conflict do nothing;
        update draw_party set customer = survivor where operator = tenant and customer = double;
        -- What both have of the same, as where all of a customer's lines count together, is added up.
        update bucket_balance s set granted = s.granted + d.granted, drawn = s.drawn + d.drawn, given = s.given + d.given
          from bucket_balance d
         where d.operator = tenant and d.customer = double and s.operator = tenant and s.customer = survivor
           and (s.bucket, s.owner, s.since) = (d.bucket, d.owner, d.since);
        update bucket_loss s set amount = s.amount + d.amount from bucket_loss d
         where d.operator = tenant and d.customer = double and s.operator = tenant and s.customer = survivor
           and (s.bucket, s.owner, s.since, s.at) = (d.bucket, d.owner, d.since, d.at);
        update ring_volume s set counted = s.counted + d.counted from ring_volume d
         where d.operator = tenant and d.customer = double and s.operator = tenant and s.customer = survivor
           and (s.subscription, s.ring, s.slot) = (d.subscription, d.ring, d.slot);
        update bucket_balance d set customer = survivor where d.operator = tenant and d.customer = double
           and not exists (select from bucket_balance s where s.operator = tenant and s.customer = survivor
               and (s.bucket, s.owner, s.since) = (d.bucket, d.owner, d.since));
        update bucket_loss d set customer = survivor where d.operator = tenant and d.customer = double
           and not exists (select from bucket_loss s where s.operator = tenant and s.customer = survivor
               and (s.bucket, s.owner, s.since, s.at) = (d.bucket, d.owner, d.since, d.at));
        update ring_volume d set customer = survivor where d.operator = tenant and d.customer = double
           and not exists (select from ring_volume s where s.operator = tenant and s.customer = survivor
               and (s.subscription, s.ring, s.slot) = (d.subscription, d.ring, d.slot));
    end if;
    update contract set customer = survivor, version = version + 1 where operator = tenant and customer = double;
    get diagnostics contracts = row_count;
    foreach kept in array array['quote', 'number_reservation', 'bucket_grant', 'bucket_given', 'bucket_move',
            'bucket_crossing', 'reseller_term'] loop
        if exists (select from pg_attribute a where a.attrelid = to_regclass('public.' || kept) and a.attname = 'customer') then
            execute format('update %I set customer = $1 where operator = $2 and customer = $3', kept)
                using survivor, tenant, double;
        end if;
    end loop;
    -- A membership goes on with the survivor from now, where that one is not in the group already.
    insert into customer_group (operator, customer, name, valid_from, valid_to)
        select tenant, survivor, g.name, greatest(g.valid_from, moved_at), g.valid_to from customer_group g
         where g.operator = tenant and g.customer = double and (g.valid_to is null or g.valid_to > moved_at)
           and not exists (select from customer_group s where s.operator = tenant and s.customer = survivor
               and s.name = g.name and tstzrange(s.valid_from, s.valid_to)
               && tstzrange(greatest(g.valid_from, moved_at), g.valid_to));
    get diagnostics groups = row_count;
    return jsonb_build_object('contracts', contracts, 'subscriptions', lines, 'numbers', numbers, 'groups', groups);
end $$;

-- Anonymises a person in place. Invoices, the ledger and payments are not touched: the law keeps them.
create or replace function erase_customer(person bigint, said text, erased timestamptz) returns jsonb
    language plpgsql volatile security definer set search_path = pg_catalog, public as $$
declare
    tenant int := app_operator();
    events bigint;
    notes bigint;
    numbers bigint;
    lines text[];
begin
    if not exists (select from customer c where c.operator = tenant and c.id = person and app_reaches(c.reseller)) then
        raise exception 'the customer must be seen';
    end if;
    -- Of the other side's number the beginning tells where it is; of one's own, nothing is kept.
    update usage set a = case direction when 0 then '' else left(a, greatest(length(a) - 4, 0)) end,
                     b = case direction when 0 then left(b, greatest(length(b) - 4, 0)) else '' end,
                     visited = null, trunk = null
     where operator = tenant and customer = person;
    get diagnostics events = row_count;
    delete from customer_note where operator = tenant and customer = person;
    get diagnostics notes = row_count;
    delete from number_assignment where operator = tenant and customer = person;
    get diagnostics numbers = row_count;
    delete from customer_group where operator = tenant and customer = person;
    select array_agg('subscription:' || s.id) into lines from subscription s
     where s.operator = tenant and s.customer = person;
    update audit set detail = detail - 'numbers' where operator = tenant and target = any (lines) and detail ? 'numbers';
    update subscription set label = '', fields = '{}' where operator = tenant and customer = person;
    update contract set fields = '{}' where operator = tenant and customer = person;
    -- What was asked of the network and of other operators says numbers and names.
    update number_order set number = '', holder = null, note = null, reference = null
     where operator = tenant and customer = person;
    update number_reservation set numbers = '{}' where operator = tenant and customer = person;
    update network_order set parameters = '{}', reason = '', fault = null where operator = tenant and customer = person;
    update network_order_note set detail = '{}' where operator = tenant and customer = person;
    update subscription_barring set reason = '' where operator = tenant and customer = person;
    update contract_change set snapshot = snapshot - 'fields' where operator = tenant and customer = person;
    update network_order set parameters = '{}', reason = '', fault = null where operator = tenant and customer = person;
    update network_order_note set detail = '{}' where operator = tenant and customer = person;
    update subscription_barring set reason = '' where operator = tenant and customer = person;
    update customer set name = said, street = '', street2 = null, postcode = '', city = '', identity_number = null,
        vat_id = null, email = null, phone = null, endpoint = null, recipient = null, contacts = '[]', fields = '{}',
        buyer_reference = null, order_reference = null, cost_centre = null, credit_limit = null,
        erased_at = erased, closed_at = coalesce(closed_at, erased), version = version + 1
     where operator = tenant and id = person;
    return jsonb_build_object('events', events, 'notes', notes, 'numbers', numbers);
end $$;
revoke all on function hand_over_customer(bigint, bigint, timestamptz), erase_customer(bigint, text, timestamptz) from public;
grant execute on function hand_over_customer(bigint, bigint, timestamptz), erase_customer(bigint, text, timestamptz)
    to tollwright_app;
