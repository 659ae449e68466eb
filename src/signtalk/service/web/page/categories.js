// The picture of a category, by words of its name. Pure.

/** @type {[RegExp, string][]} */
const PICTURES = [
  [/pain|hurt|ache|complain|symptom|ill|sick|emergency|douleur|urgence|plainte/i, "pain"],
  [/medic|pill|drug|pharma|treat|presc|médic|traitement/i, "pill"],
  [/food|drink|eat|meal|water|nutrition|manger|boire|repas/i, "cup"],
  [/family|people|person|relat|famille|gens/i, "people"],
  [/greet|hello|social|polite|salut/i, "hand"],
  [/question|ask/i, "question"],
  [/time|day|date|appoint|temps|rendez/i, "clock"],
  [/instruct|order|procedure|consigne/i, "arrow-do"],
  [/body|anatom|corps/i, "body"],
  [/home|house|place|hospital|ward|room|maison|hôpital|lieu/i, "house"],
  [/toilet|wash|hygien|blood|sang/i, "drop"],
  [/device|machine|equip|appareil/i, "tool"],
];

/**
 * The name of an icon; a bubble where no word of the name is known.
 *
 * @param {string} category
 */
export function pictureOf(category) {
  return PICTURES.find(([words]) => words.test(category))?.[1] ?? "talk";
}
