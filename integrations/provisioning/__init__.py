"""The network by signed webhook, by REST template and by SOAP, and a simulated element that speaks all three."""
