//! From a finished call to its price: decks, the longest prefix, increments.
