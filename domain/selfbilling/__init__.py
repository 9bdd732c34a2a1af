"""Self-billing: the invoices that the operator issues to himself for those he owes, in their name and by agreement.

*Supplier*: whom the operator owes for what his trunks cost, or for commissions, with the agreement that he writes the
invoices (Directive 2006/112/EC art. 224; 226(10a): they say "Self-billing"; Swedish VAT act 2023:200 17 kap. 15 and
24 §§). The invoice is the supplier's: his number series, his VAT.

What holds: an event, and a line of a commission statement, stands on one such document, until that is taken back to be
made anew; numbers of a supplier have no gap; what is issued never changes. It does not decide what calls or contracts
cost: that is rating's and the commission rules' work.
"""
