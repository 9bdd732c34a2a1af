-- What a recipient can take, by kind of document: 'peppol/invoice', 'peppol/credit_note', 'peppol/self_billed_invoice'.
-- A form of which none is named is taken whole.
alter table recipient_capability add column if not exists documents text[] not null default '{}';
