"""People of a platform whom matching alone cannot place: who, why, and what somebody decides."""
