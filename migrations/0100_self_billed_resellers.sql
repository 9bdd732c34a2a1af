-- Whose commissions of a statement stand on a self-billed document: suppliers' resellers are replaced, and one statement
-- tells of several.
alter table self_billed_statement add column if not exists reseller bigint;
update self_billed_statement b set reseller = coalesce(s.reseller, 0) from supplier s
 where s.operator = b.operator and s.id = b.supplier and b.reseller is null;
alter table self_billed_statement alter column reseller set not null;
alter table self_billed_statement drop constraint if exists self_billed_statement_pkey;
alter table self_billed_statement add constraint self_billed_statement_pkey
    primary key (operator, statement, reseller, supplier);

-- What people wrote about somebody who is erased, and what he signed; called beside erase_customer; as in 0092, and of
-- what another system was given.
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
    -- The other system keeps what the law wants kept of it.
    update basis_fee set text = '', label = null, customer_name = '' where operator = tenant and customer = person;
    update charge set text = '', reference = null, version = version + 1 where operator = tenant and customer = person;
    -- Whoever could not deliver may name the address that he tried.
    update dispatch set fault = null, version = version + 1 where operator = tenant and customer = person;
    update collection_letter set fault = null, version = version + 1 where operator = tenant and customer = person;
end $$;
