"""Rating again what is rated or held back, and rating the past by a catalogue that is not in force."""
