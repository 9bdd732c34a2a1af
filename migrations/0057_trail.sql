-- The trail: who, by which proof, on whose behalf; chained line by line, anchored by signed hashes. And limits of rates,
-- and documents of GraphQL that are registered.

-- What may be personal (address, detail) stands in the chain by its salted digest, so that it can be erased.
alter table audit add column if not exists kind text not null default 'change'
    check (kind in ('change', 'read', 'refused', 'sign_in', 'keeping'));
alter table audit add column if not exists "user" bigint;
alter table audit add column if not exists factor text not null default '';
alter table audit add column if not exists behalf text;
alter table audit add column if not exists outcome text not null default 'done';
alter table audit add column if not exists request text;
alter table audit add column if not exists seen bigint[];       -- of what was read: whose it is, customers by key
alter table audit add column if not exists salt bytea default uuid_send(gen_random_uuid());
alter table audit add column if not exists withheld bytea;      -- the digest of what was erased
alter table audit add column if not exists erased_by bigint;    -- the line that tells of it
-- Rows there were get the number of this transaction, and so are chained by id.
alter table audit add column if not exists txid xid8 not null default pg_current_xact_id();
-- Null: of the installation, such as an attempt of somebody whom nobody knows.
alter table audit alter column operator drop not null;
-- Operators stay for ever; looking each up again for every line would cost more than the line.
alter table audit drop constraint if exists audit_operator_fkey;
create index if not exists audit_txid on audit (txid);
create index if not exists audit_user on audit (operator, "user", id) where "user" is not null;
create index if not exists audit_seen on audit using gin (seen) where seen is not null;

-- One link per line, in the order of the chain. operator 0: of the installation. The hash covers the hash before.
create table if not exists audit_link (
    operator int not null,
    seq bigint not null,
    audit bigint not null unique,
    at timestamptz not null,
    kind text not null,
    digest bytea not null check (octet_length(digest) = 32),
    hash bytea not null check (octet_length(hash) = 32),
    removed_by bigint,                -- the line that tells that the time to keep this one was over
    primary key (operator, seq)
);
-- What may be let go when its time is over.
create index if not exists audit_link_kept on audit_link (operator, kind, at) where removed_by is null;
-- The end of each chain.
create table if not exists audit_chain (
    operator int primary key,
    seq bigint not null,
    hash bytea not null
);
-- Every line of transactions below has its link.
create table if not exists audit_edge (
    only_one boolean primary key default true check (only_one),
    edge xid8 not null
);
insert into audit_edge (edge) values ('0') on conflict do nothing;

create table if not exists audit_anchor (
    operator int not null,
    seq bigint not null,
    hash bytea not null,
    made_at timestamptz not null,
    kid text not null,
    token text not null,              -- a JWS of operator, seq, hash and time
    primary key (operator, seq)
);

-- Not even the owner changes a line by a slip of the hand. Who means it can; the chain tells.
create or replace function audit_stays() returns trigger language plpgsql as $$
begin
    if coalesce(current_setting('app.trail', true), '') = 'keeping' then
        return case tg_op when 'DELETE' then old else new end;
    end if;
    raise exception 'what happened stays: lines of the trail are neither changed nor removed';
end $$;
create or replace trigger audit_stays before update or delete on audit for each row execute function audit_stays();
create or replace trigger audit_stays before update or delete on audit_link for each row execute function audit_stays();

-- What a line may keep of persons, as one text; domain/access/chain.py says how it is digested.
create or replace function audit_private(line audit) returns text language sql stable parallel safe as $$
    select jsonb_build_array(line.address, line.detail)::text
$$;

-- Erases what lines about some things keep, but for the one that tells of it, and returns how many they were. With
-- nothing told yet (reason 0) it only counts.
create or replace function erase_trail(targets text[], reason bigint) returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, public as $$
declare
    tenant int := app_operator();
    found bigint;
begin
    if reason = 0 then
        select count(*) into found from audit a where a.operator = tenant and a.erased_by is null
            and a.target = any (targets) and a.detail is not null;
        return found;
    end if;
    perform set_config('app.trail', 'keeping', true);
    update audit a set withheld = sha256(a.salt || convert_to(audit_private(a), 'UTF8')), detail = null, address = null,
            salt = null, erased_by = reason
     where a.operator = tenant and a.erased_by is null and a.id <> reason and a.target = any (targets)
       and a.detail is not null;
    get diagnostics found = row_count;
    perform set_config('app.trail', '', true);
    return found;
end $$;
revoke all on function erase_trail(text[], bigint) from public;
grant execute on function erase_trail(text[], bigint) to tollwright_app;

-- Anonymises a person in place, as 0046; what the trail keeps of him is erase_trail's.
create or replace function erase_customer(person bigint, said text, erased timestamptz) returns jsonb
    language plpgsql volatile security definer set search_path = pg_catalog, public as $$
declare
    tenant int := app_operator();
    events bigint;
    notes bigint;
    numbers bigint;
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

-- A page of lines is read by whoever it is about: of a reseller's subtree those of its callers.
drop policy if exists own on audit;
create policy own on audit for select using (operator = app_operator() and app_reaches(reseller));
drop policy if exists written on audit;
create policy written on audit for insert with check (operator = app_operator());
do $$
declare
    name text;
begin
    foreach name in array array['audit_link', 'audit_anchor', 'audit_chain'] loop
        execute format('alter table %I enable row level security', name);
        execute format('drop policy if exists own on %I', name);
        execute format('create policy own on %I using (operator = app_operator())', name);
        execute format('grant select on %I to tollwright_app, tollwright_ingest', name);
    end loop;
end $$;
alter table audit_edge enable row level security;
revoke delete on audit from tollwright_app, tollwright_ingest;

-- Tokens of each bucket that rates are limited by; lost with a crash, which fills them.
create unlogged table if not exists rate_bucket (
    key text primary key check (char_length(key) <= 200),
    tokens double precision not null,
    granted int not null,
    at timestamptz not null
) with (fillfactor = 70);
create index if not exists rate_bucket_age on rate_bucket (at);
alter table rate_bucket enable row level security;
-- What an operator set in place of the installation's limits: for his account (client ''), or one of his clients.
create table if not exists rate_limit (
    operator int not null references operator (id),
    client text not null default '',
    per_second double precision not null check (per_second > 0),
    burst int not null check (burst > 0),
    version int not null default 1,
    primary key (operator, client)
);
alter table rate_limit enable row level security;
drop policy if exists own on rate_limit;
create policy own on rate_limit using (operator = app_operator()) with check (operator = app_operator());
grant select, insert, update, delete on rate_limit to tollwright_app;
grant select, insert, update, delete on rate_limit to tollwright_ingest;
grant select, insert, update, delete on rate_bucket to tollwright_ingest;

-- Documents that may be asked for by their SHA-256.
create table if not exists graphql_document (
    operator int not null references operator (id),
    sha256 bytea not null check (octet_length(sha256) = 32),
    name text not null check (char_length(name) <= 200),
    document text not null check (char_length(document) <= 200000),
    registered_at timestamptz not null,
    primary key (operator, sha256)
);
alter table graphql_document enable row level security;
drop policy if exists own on graphql_document;
create policy own on graphql_document using (operator = app_operator()) with check (operator = app_operator());
grant select, insert, update, delete on graphql_document to tollwright_app;
grant select on graphql_document to tollwright_ingest;
