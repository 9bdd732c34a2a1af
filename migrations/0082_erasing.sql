-- Who is erased is nobody to banks and agencies either: mandates, what agencies were told, and reasons that people wrote.
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
    -- What he agreed to with his bank ends here; what is said of him to an agency goes by his number alone.
    update mandate set account = '', identity = '', bic = '', payer_number = '', signature = null, reason = 'erased',
        state = case when state = 'refused' then state else 'cancelled' end,
        ended_on = coalesce(ended_on, erased::date), version = version + 1
     where operator = tenant and customer = person;
    update collection_message set content = jsonb_set(content, '{debtor}', jsonb_build_object('name', said)),
        version = version + 1 where operator = tenant and customer = person and content ? 'debtor';
    update collection_hold set reason = '', version = version + 1 where operator = tenant and customer = person;
    update invoice_dispute set reason = '', decision = '', version = version + 1
     where operator = tenant and customer = person;
    update credit_override set reason = '' where operator = tenant and customer = person;
    update credit_reservation set number = left(number, greatest(length(number) - 4, 0)), reference = ''
     where operator = tenant and customer = person;
    update customer set name = said, street = '', street2 = null, postcode = '', city = '', identity_number = null,
        vat_id = null, email = null, phone = null, endpoint = null, recipient = null, contacts = '[]', fields = '{}',
        buyer_reference = null, order_reference = null, cost_centre = null, credit_limit = null,
        erased_at = erased, closed_at = coalesce(closed_at, erased), version = version + 1
     where operator = tenant and id = person;
    return jsonb_build_object('events', events, 'notes', notes, 'numbers', numbers);
end $$;
