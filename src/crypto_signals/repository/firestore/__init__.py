"""The store on Google's Firestore. Google's library is known here alone, and loaded by who uses it."""
