#include "tests/gen/names.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *const names_women[] = {
    "Sumarni",  "Ratnasih", "Wulanti",  "Marsinah",   "Endangsih", "Yulianti",
    "Kartinah", "Suryati",  "Nurlela",  "Rohayah",    "Mintarsih", "Dewanti",
    "Sulastri", "Winarti",  "Sriyani",  "Juminten",   "Hartini",   "Maemunah",
    "Rukmini",  "Satinah",  "Warsinih", "Komalasari", "Ningrum",   "Lestari",
};
const size_t names_women_count = COUNT(names_women);

const char *const names_men[] = {
    "Sumarno",  "Wardiman", "Junaedi", "Suhendar", "Rustandi", "Karyadi", "Slamet",  "Marzuki",
    "Sudirja",  "Hendarto", "Wiranto", "Suparman", "Kusnadi",  "Rohman",  "Samsuri", "Tarmidi",
    "Darmanto", "Suganda",  "Madsani", "Jaenudin", "Sarmin",   "Waluyo",  "Nurdin",  "Sakiman",
};
const size_t names_men_count = COUNT(names_men);

const char *const names_second[] = {
    "Saputra",   "Lesmana",  "Wijayakusuma", "Handayani", "Pranata",   "Kusumah",
    "Rahayu",    "Sasmita",  "Hidayati",     "Maulana",   "Purnama",   "Setiawan",
    "Anggraeni", "Fitriyah", "Santosa",      "Gunadi",    "Iskandari", "Wibawa",
    "Suryana",   "Permana",  "Nugraha",      "Oktaviana", "Cahyadi",   "Utami",
};
const size_t names_second_count = COUNT(names_second);

const char *const names_odd[] = {
    "Ma'mun Sadili",     "Nu\u2019man Arifin", "Siti Sa'diyah",  "H. Usman, S.Ag",
    "Ny. Darsih/Warsih", "Jos\u00e9 Pinto",    "Mu\u2019awanah", "\u00c9lisa \"Lis\" Tania",
};
const size_t names_odd_count = COUNT(names_odd);

const char *const names_streets[] = {
    "Jl. Raya Pasar",     "Kp. Sawah Lega",     "Kp. Baru Tengah", "Jl. Melati",
    "Kp. Cibodas Girang", "Jl. Pelabuhan Lama", "Kp. Karang Asem", "Jl. Balai Desa",
    "Kp. Pasir Ipis",     "Gg. Mushola",
};
const size_t names_streets_count = COUNT(names_streets);
