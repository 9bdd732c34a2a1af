-- What customers drew of buckets in a time, for the statement on their invoices: of a page of payers at once.
create index if not exists usage_share_drew on usage_share (operator, customer, start) where kind = 'bucket';
