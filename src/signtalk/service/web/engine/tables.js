/**
 * Names and numbers that the engine shares with Python, each as the module named above it has them.
 * Written by `python -m signtalk.service.tables`; change them in Python.
 */

// signtalk.landmarks.clip
export const POSE_NAMES = ["nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer", "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel", "right_heel", "left_foot_index", "right_foot_index"];
export const HAND_POINTS = ["wrist", "thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip", "index_mcp", "index_pip", "index_dip", "index_tip", "middle_mcp", "middle_pip", "middle_dip", "middle_tip", "ring_mcp", "ring_pip", "ring_dip", "ring_tip", "pinky_mcp", "pinky_pip", "pinky_dip", "pinky_tip"];
export const FACE_INDICES = [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100, 105, 110, 115, 120, 125, 130, 135, 140, 145, 150, 155, 160, 165, 170, 175, 180, 185, 190, 195, 200, 205, 210, 215, 220, 225, 230, 235, 240, 245, 250, 255, 260, 265, 270, 275, 280, 285, 290, 295, 300, 305, 310, 315, 320, 325, 330, 335, 340, 345, 350, 355, 360, 365, 370, 375, 380, 385, 390, 395, 400, 405, 410, 415, 420, 425, 430, 435, 440, 445, 450, 455, 460, 465];
export const PARTS = {"pose": [0, 33], "left_hand": [33, 54], "right_hand": [54, 75], "face": [75, 169]};
export const MAX_COORDINATE = 10000.0;
export const MIN_ASPECT = 0.1;
export const MAX_ASPECT = 10.0;
export const DEFAULT_FPS = 30.0;
export const CLIP_FORMAT_VERSION = 1;

// signtalk.landmarks.wire
export const CLIP_MEDIA_TYPE = "application/vnd.signtalk.clip";
export const MAGIC = "SGT1";
export const HEADER_BYTES = 12;
export const FRAME_BYTES = 2168;

// signtalk.data.holistic
export const MAX_FRAMES = 20000;

// signtalk.landmarks.features
export const BODY_NAMES = ["nose", "left_eye", "right_eye", "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist"];
export const FACE_POINT_NAMES = ["face_0", "face_5", "face_40", "face_55", "face_65", "face_70", "face_80", "face_195", "face_200", "face_270", "face_285", "face_295", "face_300", "face_310"];
export const POSE_HAND_NAMES = ["left_pinky", "left_index", "left_thumb", "right_pinky", "right_index", "right_thumb"];
export const TIP_NAMES = ["thumb_tip", "index_tip", "middle_tip", "ring_tip", "pinky_tip"];
export const DEFAULT_FEATURES = {"preset": "landmarks", "num_frames": 96, "resampling": "whole", "target_fps": 15.0, "use_hands": true, "use_face": false, "use_pose_hands": false, "use_depth": false, "frontal": false, "use_hand_local": true, "use_hand_angles": false, "use_bones": false, "use_centred": false, "num_differences": 2, "max_gap_s": 0.25, "limit": 6.0};
export const MIN_SHOULDER_WIDTH = 0.001;
export const MIN_SHOULDER_SHARE = 0.25;
export const MOTION_RATE = 10.0;
export const LEAST_HAND_SHARE = 0.2;
export const MIN_PALM = 0.05;
export const MIN_BONE = 0.001;

// signtalk.landmarks.drawing
export const SKELETON_LINES = [[11, 12, "pose"], [11, 13, "pose"], [13, 15, "pose"], [12, 14, "pose"], [14, 16, "pose"], [11, 23, "pose"], [12, 24, "pose"], [23, 24, "pose"], [9, 10, "pose"], [33, 34, "left_hand"], [34, 35, "left_hand"], [35, 36, "left_hand"], [36, 37, "left_hand"], [33, 38, "left_hand"], [38, 39, "left_hand"], [39, 40, "left_hand"], [40, 41, "left_hand"], [33, 42, "left_hand"], [42, 43, "left_hand"], [43, 44, "left_hand"], [44, 45, "left_hand"], [33, 46, "left_hand"], [46, 47, "left_hand"], [47, 48, "left_hand"], [48, 49, "left_hand"], [33, 50, "left_hand"], [50, 51, "left_hand"], [51, 52, "left_hand"], [52, 53, "left_hand"], [38, 42, "left_hand"], [42, 46, "left_hand"], [46, 50, "left_hand"], [33, 50, "left_hand"], [54, 55, "right_hand"], [55, 56, "right_hand"], [56, 57, "right_hand"], [57, 58, "right_hand"], [54, 59, "right_hand"], [59, 60, "right_hand"], [60, 61, "right_hand"], [61, 62, "right_hand"], [54, 63, "right_hand"], [63, 64, "right_hand"], [64, 65, "right_hand"], [65, 66, "right_hand"], [54, 67, "right_hand"], [67, 68, "right_hand"], [68, 69, "right_hand"], [69, 70, "right_hand"], [54, 71, "right_hand"], [71, 72, "right_hand"], [72, 73, "right_hand"], [73, 74, "right_hand"], [59, 63, "right_hand"], [63, 67, "right_hand"], [67, 71, "right_hand"], [54, 71, "right_hand"]];
export const SKELETON_DOTS = [[0, "pose"], [2, "pose"], [5, "pose"], [7, "pose"], [8, "pose"], [75, "face"], [76, "face"], [77, "face"], [78, "face"], [79, "face"], [80, "face"], [81, "face"], [82, "face"], [83, "face"], [84, "face"], [85, "face"], [86, "face"], [87, "face"], [88, "face"], [89, "face"], [90, "face"], [91, "face"], [92, "face"], [93, "face"], [94, "face"], [95, "face"], [96, "face"], [97, "face"], [98, "face"], [99, "face"], [100, "face"], [101, "face"], [102, "face"], [103, "face"], [104, "face"], [105, "face"], [106, "face"], [107, "face"], [108, "face"], [109, "face"], [110, "face"], [111, "face"], [112, "face"], [113, "face"], [114, "face"], [115, "face"], [116, "face"], [117, "face"], [118, "face"], [119, "face"], [120, "face"], [121, "face"], [122, "face"], [123, "face"], [124, "face"], [125, "face"], [126, "face"], [127, "face"], [128, "face"], [129, "face"], [130, "face"], [131, "face"], [132, "face"], [133, "face"], [134, "face"], [135, "face"], [136, "face"], [137, "face"], [138, "face"], [139, "face"], [140, "face"], [141, "face"], [142, "face"], [143, "face"], [144, "face"], [145, "face"], [146, "face"], [147, "face"], [148, "face"], [149, "face"], [150, "face"], [151, "face"], [152, "face"], [153, "face"], [154, "face"], [155, "face"], [156, "face"], [157, "face"], [158, "face"], [159, "face"], [160, "face"], [161, "face"], [162, "face"], [163, "face"], [164, "face"], [165, "face"], [166, "face"], [167, "face"], [168, "face"], [33, "left_hand"], [34, "left_hand"], [35, "left_hand"], [36, "left_hand"], [37, "left_hand"], [38, "left_hand"], [39, "left_hand"], [40, "left_hand"], [41, "left_hand"], [42, "left_hand"], [43, "left_hand"], [44, "left_hand"], [45, "left_hand"], [46, "left_hand"], [47, "left_hand"], [48, "left_hand"], [49, "left_hand"], [50, "left_hand"], [51, "left_hand"], [52, "left_hand"], [53, "left_hand"], [54, "right_hand"], [55, "right_hand"], [56, "right_hand"], [57, "right_hand"], [58, "right_hand"], [59, "right_hand"], [60, "right_hand"], [61, "right_hand"], [62, "right_hand"], [63, "right_hand"], [64, "right_hand"], [65, "right_hand"], [66, "right_hand"], [67, "right_hand"], [68, "right_hand"], [69, "right_hand"], [70, "right_hand"], [71, "right_hand"], [72, "right_hand"], [73, "right_hand"], [74, "right_hand"]];
export const MIN_VISIBILITY = 0.5;

// signtalk.landmarks.plausible
export const HEAD_OVER_SHOULDERS = 0.15;
export const HANDS_APART = 1.0;
export const HANDS_ELSEWHERE = 4.0;
export const HANDS_EXCHANGED = 0.5;

// signtalk.landmarks.legacy_rows
export const PROTOTYPE_COLUMNS = 540;
export const DEFAULT_SMOOTHING_ALPHA = 0.2;
export const TORSO_NAMES = ["left_shoulder", "right_shoulder", "left_hip", "right_hip"];
export const MIN_TORSO = 1e-06;
export const MIN_SPAN = 0.0001;

// signtalk.data.records
export const TABLE_COLUMNS = ["video_file", "feature_path", "num_frames", "frame_feature_dim", "detection_ratio", "mean_visibility", "motion_mean", "motion_p50", "motion_p95", "motion_max", "sentence_id", "sentence", "category", "text_variations", "signer", "session", "fps", "is_idle", "smoothing_alpha"];
export const CLIPS_FOLDER = "clips";

// signtalk.data.manifest
export const TABLE_NAME = "processed_metadata.csv";

// signtalk.data.tokenizer
export const PAD_ID = 0;
export const SOS_ID = 1;
export const EOS_ID = 2;
export const UNK_ID = 3;
export const WORD_START = "\u2581";

// signtalk.recognition.critical_words
export const MEANINGS = {"no": "not", "not": "not", "none": "not", "never": "not", "nobody": "not", "nothing": "not", "nowhere": "not", "neither": "not", "nor": "not", "without": "not", "cannot": "not", "aint": "not", "arent": "not", "cant": "not", "couldnt": "not", "darent": "not", "didnt": "not", "doesnt": "not", "dont": "not", "hadnt": "not", "hasnt": "not", "havent": "not", "isnt": "not", "mightnt": "not", "mustnt": "not", "neednt": "not", "nt": "not", "oughtnt": "not", "shant": "not", "shouldnt": "not", "wasnt": "not", "werent": "not", "wont": "not", "wouldnt": "not", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19", "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90", "hundred": "100", "thousand": "1000", "million": "1000000", "half": "1/2", "\u00bd": "1/2", "quarter": "1/4", "\u00bc": "1/4", "single": "1", "both": "2", "pair": "2", "couple": "2", "dozen": "12", "once": "1x", "twice": "2x", "thrice": "3x", "double": "2x", "triple": "3x", "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th", "sixth": "6th", "seventh": "7th", "eighth": "8th", "ninth": "9th", "tenth": "10th", "eleventh": "11th", "twelfth": "12th", "thirteenth": "13th", "fourteenth": "14th", "fifteenth": "15th", "sixteenth": "16th", "seventeenth": "17th", "eighteenth": "18th", "nineteenth": "19th", "twentieth": "20th", "thirtieth": "30th", "fortieth": "40th", "fiftieth": "50th", "sixtieth": "60th", "seventieth": "70th", "eightieth": "80th", "ninetieth": "90th", "hundredth": "100th"};
export const LOOK_LIKE_APOSTROPHES = "\u2019\u02bc";
export const WORD_JOINERS = "-_\u2010\u2011\u2012\u2013\u2014\u2015\u2212";

// signtalk.recognition.ctc
export const BLANK_ID = 0;
export const NEVER_SHOWN = -30.0;
export const IMPOSSIBLE = -1e+30;

// signtalk.recognition.spelling_decoder
export const MOST_WORDS_TRIED = 48;

// signtalk.recognition.signer_fit
export const SIGNER_FIT = {"frames_ridge": 1.0, "words_ridge": 0.1, "words_steps": 60, "references_per_sentence": 8};

// signtalk.recognition.signer_prompts
export const AGAIN = 0.5;

// signtalk.recognition.scoring
export const LEAST_LOG_LIKELIHOOD = -10000.0;
export const SKETCHED_FINELY = 200;

// signtalk.recognition.sketches
export const COARSE_STRETCHES = 8;
export const FINE_STRETCHES = 16;
export const SKETCH_COLUMNS = 32;
export const COLUMNS_CHOSEN_BY = 1000;

// signtalk.index.said
export const SAID_ID = "said-";

// signtalk.index.personal
export const ENROLLED_ID = "enrolled-";

// signtalk.index.takes
export const TAKES_NAME = "takes.csv";
export const TAKE_COLUMNS = ["clip_id", "sentence_id", "sentence", "category", "signer_id", "language", "consent", "date", "origin"];
export const CONSENTS = ["", "recognize", "train"];
export const ORIGINS = ["taught", "confirmed", "corrected"];
export const LONGEST_ID = 400;

// signtalk.index.written
export const WRITTEN_ID = "written-";
export const MIN_SIGNED_SENTENCES = 3;

// signtalk.recognition.evidence
export const FIGURES = ["score", "margin", "similarity", "dtw_score", "centroid", "text_score", "standing", "dtw_margin", "text_per_word"];
export const NEIGHBOURS = 30;
export const LEAST_NEIGHBOURS = 3;
export const LOWEST_MARGIN = -1.0;
export const LOWEST_PER_WORD = -20.0;

// signtalk.recognition.logistic
export const HIGHEST = 2.0;

// signtalk.recognition.gate
export const UNSURE = ["low_similarity", "ambiguous_top2", "prototype_disagreement", "text_disagreement"];
export const REASON_OF = {"score": "low_similarity", "margin": "ambiguous_top2", "similarity": "low_similarity", "dtw_score": "low_similarity", "centroid": "prototype_disagreement", "text_score": "text_disagreement", "standing": "ambiguous_top2", "dtw_margin": "ambiguous_top2", "text_per_word": "text_disagreement"};

// signtalk.recognition.recognizer
export const MOST_OFFERED = 3;

// signtalk.recognition.enrolment
export const SAME_COSINE = 0.9999;
export const SAME_TOLERANCE = 0.005;
export const CONFUSED = 0.5;
export const SHOWN_NEAREST = 3;

// signtalk.segmentation.activity
export const ACTIVITY_FEATURES = ["higher_y", "lower_y", "larger_rise", "smaller_rise", "quick_speed", "quick_speed_other", "long_speed", "long_speed_other", "higher_vertical", "finger_speed", "seen", "seen_other", "wrist_distance", "higher_aside", "raised_s", "shape_change"];
export const ACTIVITY = {"fast_s": 0.08, "slow_s": 0.3, "quick_s": 0.2, "long_s": 1.0, "seen_s": 0.3, "width_s": 1.0, "rest_s": 4.0, "lower_rest_s": 0.5, "held_s": 0.5, "still_speed": 0.5, "lowest": 2.3, "raised": 0.4, "longest_raised_s": 4.0, "resting": [[0.4, 2.0], [-0.4, 2.0]], "min_width": 0.001, "limit": 4.0};

// signtalk.segmentation.segmenter
export const MOST_FPS = 60;

// signtalk.service.session
export const ACTIVITY_EVERY_S = 0.2;

// signtalk.service.settings
export const MOST_SIGNER_SENTENCES = 30;

// signtalk.service.stream_signer
export const MOST_OPEN = 8;
export const LEAST_SENTENCES = 4;

// signtalk.service.schemas
export const MOST_TEXT = 500;
export const MOST_NAME = 200;
export const MOST_ENROLLED = 3;
export const MOST_LINE = 1000;
export const MOST_LINES = 30;

// signtalk.bundle.archive
export const MAX_ENTRY_NAME = 120;
export const MAX_UNPACK_RATIO = 200;
export const UNPACK_RATIO_FROM = 16777216;

// signtalk.bundle.golden
export const GOLDEN_TOLERANCE = 0.001;

// signtalk.bundle.web
export const WEB_FORMAT_VERSION = 1;
