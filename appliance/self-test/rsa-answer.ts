/**
 * An RSA key of 2048 bits that protects nothing: it is published here. What belongs to it was
 * computed by the formulas of RFC 8017 over integers, without OpenSSL.
 */
export const publishedKey = {
  kty: 'RSA',
  e: 'AQAB',
  n:
    'tnb6p0NZA79MAeLR5QPvecM_9sT-0Ajd_UvhsCBoWPBGoxuruNCFWZDW7HpvHCLtvmGtoFHWOIumjPFv' +
    '9GlfPK7pUQxp73XiVONM3mcUxNwjSWCUgmvlhDU-Y4Kp5K27LFGBCYuQFpCwzVvYWnpmQs_Xi559CJvl' +
    '7aF2fr3YKgNKhxq7ujVU_rPLl8iO_VAnBt5yE3APyZhe7JJAEKbPMxo0gkGmfyg4iNEpEwsiKlg97AC1' +
    'PdS25xoVcYWavrp5oPM0TeQwgMnEe6IIvUPpBRA2pYerlUww-oBEgPRAQPaJFnhnQOONVfOF4n_yrGW1' +
    'RkXWrW2U4qqCGca60qDKuw',
  d:
    'jMpSnhK_vr4P-P4toaqr-52Km1YQex_2CDgvl2Hyu76qwoXbpZ1ANrnhPttcE8A1KY9oWH9ViCn1NzIl' +
    'yj5zLPljdND9MQyAuaohLovS4SSVBKMJsEOQ5qXIW-8yOXShCV4eqoMW3lKColj33FANIG9hao01hrNM' +
    '6mRno-yUZ5D06g9ItSddl5WCmBX9KevLSnq9YR3HwcQrLd9JditLfTd_TcV-HAfqhEM73DdETUd0KrpX' +
    'w9KAr7pInQHSQjlGUSpYY9gMUTK3-ku-noGLSSRn74Eal-wN1T5Hv_qBKSN0IOyjooP0bMzu0JCry11V' +
    '0jw-QCKvLbacSgLeYXu5',
  p:
    '8pQ8ip1b-Q6sm6yDKQ5t37pCzB5Gk6dh4g8p_9Doi2hnnymN6XU97IdfhPs2ZYHLrtGCbOE6Ty9cWJ4o' +
    '8o5mdqAAITFFtHP3SBj9LYMjM2kqw5-tQfNxsWuc0R4SwytmnWsPFuuVfZRBcfIZtR3YCRNH9L0xMW10' +
    '_5HUyfi2JQ8',
  q:
    'wI9QrC_k7ZcEHfn2zBQm7xIFRjzjCSDQM5U2DcqZmgdgsd_p6ksSnK8MA323oPHMjTq-a9Z4iRmBYi7p' +
    '39Sv2o8yUwSzV_xYtA67VZd1mcyZjwBwm_ZnhrN7XbV9BcJ6ISZis-rrlIrj5fSBhIr2_2tyyIMkSAIK' +
    '1826LozpN5U',
  dp:
    'tlp9EG6unxFK7FPI3Wo9anvoju0LfR_M01U261muFm5LxzhDuAYsoMw7IAqAn9nsteRFOXgujyw5LVzn' +
    'xz8JA4_PySPzFG5Aq_AtErOMGK-sOBam9fb9trQA1KrYy-KqZxf95er_G8IBWJj4flCLAHeAFhjLDC8O' +
    'Trjfz1yqAD0',
  dq:
    'BmY85hwJXaQBLQXbn9ijmppctoLbgLgocy5oR3kONcI9AmxQl8q66Z4fphYNfjnK9H6ZSXgtNVE1rY-l' +
    'khy9Y2QS5hNn6mqmgAVlUGjiLaRRDiGTnHtJ4X4hgXHAn-pgqK1f5l7OSXd8L246x67emop1nBhPolz_' +
    'A0EBCP8B2Sk',
  qi:
    'Xy64P15zdMg43YX-w6JP4p1pIlDu8tuCx77JWyan0VT6u9iPC24W_4h1jC08vFc1RQo5eS5ZRijRWhpD' +
    '8fWXLmC4jrVtfcixwEgGDgwOSPdzxyAYp_uSGPJqevv7jeyitR6-gpKY9HSZvfTR67CQ4HAqUF-gs0fX' +
    'myegDv93Y28',
} as const;

/** The bytes 0 to 31 under OAEP (§7.1.1) with SHA-256 and SHA-1; seeds count up from 100. */
export const oaep = {
  sha256:
    'WPF89al6Q__fgvKseov3wd0SRj0PsCCYNpZTxesABLJN--WPxz5a8eKP30hHJaVdzRF32Dm378348oF5' +
    'Pg5cl5Mo1y9OCfqdvrztzuo4zxwGFFGqG-bnzgu3BVIEkRTLjZ5O-Yzttv1gz9mHxMgltpJzP0Ck-WXe' +
    '8OHX94Rceoo0_UFvQsnXn06bsS4oMyCUKJPJ21NuxwYfV-nbkcAuv1iDFcGGBN-O1WiTrFqKCv3-sOOF' +
    '-whiltSqTjvx8hKO4rCtHzidQNgduFiwoBmlkUmsDvt0dJUtlspcUF4FaucrOB-qWrpm5ENDYsbxEcwe' +
    'C3g6slTH5qklcq50LIrXjQ',
  sha1:
    'OBzY9QshWf9IJISVk7DZi9wxSmLJfQeMZzdTFSpujixgZgveazGIrkmZkI59HR1snx9HqDJVetdWRzYM' +
    'gRZFwuWD7xh66mow_yQee4arOWR__-Js6jh_uu61TCtUli5TMALOCnqlNCxpNmkeWi3WcyW8Y-lZctnU' +
    'sqrkaQqdN_mupY4MBmMklB1VRG9wy5n7_gpwjgklcVVr58ko3hyE-vO_l5iLnU-Rgl7MYh_kYWKJhlT5' +
    'rLKbdt8-6Q23wOfp-_S01tB5bm01NUS99E6Spkuek66f9BsH-Ds3baFMp3j1dvXkCPKSHERFYV_97BRL' +
    'Ik81XBlZa5d3GOVhxeEhKA',
} as const;

export const signed = 'twinlock self-test';

/** RSASSA-PKCS1-v1_5 (§8.2.1) with SHA-256 of `signed`. */
export const pkcs1 =
  'Y1MIXuyOkmvP499ACUr-g0MdtM5DSWHxIOhACmQFJ66901MeTCtm4woeeUgkqiZOaDujPmc3oQhd78po' +
  'B6xTOKAe77lI05-kM6-hic0qMvkBk-5NtAjWov04G1KaUxhuIHamkqey1RnUmQ4tGCg98xhuvUva_Z75' +
  '08hLm9G1zXzOX3T_KXlUU7Jvof_LDvPRkfHhcCHKbsdv5ukLmlbjRZgeZC4QhbuVmu9wVn3AVkAxyeUA' +
  'SKEnJKP0RnAo04T8nGhoGuTLYbR22dQVGqDs1qHYHkEIRLBhbFQmnHRApqg9_WYuprTxx7PKsM-za1Cv' +
  'cm-7IG3Ql2d6nAat-KSPwQ';
