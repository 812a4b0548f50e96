/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Public keys and signatures that OpenSSH 9.2 made: raw numbers as a token
 * gives them (hex), and what ssh-keygen wrote (blobs in base64, from .pub
 * files and from `ssh-keygen -Y sign`; fingerprints of `ssh-keygen -l`).
 * The raw numbers of the keys were taken from the private key files.
 */
#ifndef P11_AGENT_TESTS_PROTO_OPENSSH_MADE_H
#define P11_AGENT_TESTS_PROTO_OPENSSH_MADE_H

#include "proto/keyblob.h"

static const struct made_key {
	const char *name;
	enum ssh_key_type type;
	const char *a;	  /* hex: modulus, point or key */
	const char *b;	  /* hex: exponent, or empty */
	const char *blob; /* base64 */
	const char *fingerprint;
} made_keys[] = {
	{"RSA 2048", SSH_KEY_RSA,
	    "b4c156527b028d8878503d89b1f7b225e4f7a14bb3c8cfd4049c8bad467019f9"
	    "ad5793d88ee6439efbb229b053846d2bf0f73493a67409f753d8598f4fdf4ba6"
	    "2833d18432af853051929ed12de06595c7153b0548587f345b761dfdb8138ffd"
	    "3945f298f7a40aade7c43b4f273968344e2556702636b868caaf08a5c1e0fe11"
	    "4a94423b367e53c539f5f814ecadd86154b6703380c9c79f6891e35c22688bfd"
	    "7f165105ee0ac9119cf5e84c245d6a4e4a6baf8233ff9928835a37ce70c8d66e"
	    "cc062d5780835e1f806c675dbd7ca75a604fe1d4266c04eba467c50d68b7a9a9"
	    "ce521b70637f86850b7f06443f45615d9b1106364dc45dc2618ac802ebd83fa1",
	    "010001",
	    "AAAAB3NzaC1yc2EAAAADAQABAAABAQC0wVZSewKNiHhQPYmx97Il5PehS7PIz9QE"
	    "nIutRnAZ+a1Xk9iO5kOe+7IpsFOEbSvw9zSTpnQJ91PYWY9P30umKDPRhDKvhTBR"
	    "kp7RLeBllccVOwVIWH80W3Yd/bgTj/05RfKY96QKrefEO08nOWg0TiVWcCY2uGjK"
	    "rwilweD+EUqUQjs2flPFOfX4FOyt2GFUtnAzgMnHn2iR41wiaIv9fxZRBe4KyRGc"
	    "9ehMJF1qTkprr4Iz/5kog1o3znDI1m7MBi1XgINeH4BsZ129fKdaYE/h1CZsBOuk"
	    "Z8UNaLepqc5SG3Bjf4aFC38GRD9FYV2bEQY2TcRdwmGKyALr2D+h",
	    "SHA256:+g07evoohg5vWnUZAR5xVk+EwIzwdgt4KaOKIfrRKzs"},
	{"RSA 2047", SSH_KEY_RSA,
	    "6d5986c91924c95ca0d6b82a579e2500ad9e84a8a55f7c2b5902ef08e12fd0fa"
	    "e9d26d377a9c1591d1d93ca878ebd778ef6f2655bd59d59d2c7c7c4a75ec03d0"
	    "ed918e4b235a71dbbdfbab0a6d974ffc42c1b119aa1147de91a2cd76d04207af"
	    "12ee9ba87089d93c5b992f9338bdb1a702d1ab4ad18312653edab58d1d4296e6"
	    "bf90f76c752bf898b8b1ab91b814cde0501e2da8c122dbdf58ff0ed25db0bc33"
	    "2cd9ce2016f299917dc6cf943eda86be90986988c48675e1581d9c3b7b06442b"
	    "77929d4c867bdafecc46ded0d0c1476bcedb56d19e21a91ae25b43221c4ca152"
	    "8fe18a3e41edab89125c9874db7a453459e43de8b9f5f5d9039734930e7d74ad",
	    "010001",
	    "AAAAB3NzaC1yc2EAAAADAQABAAABAG1ZhskZJMlcoNa4KleeJQCtnoSopV98K1kC"
	    "7wjhL9D66dJtN3qcFZHR2TyoeOvXeO9vJlW9WdWdLHx8SnXsA9DtkY5LI1px2737"
	    "qwptl0/8QsGxGaoRR96Ros120EIHrxLum6hwidk8W5kvkzi9sacC0atK0YMSZT7a"
	    "tY0dQpbmv5D3bHUr+Ji4sauRuBTN4FAeLajBItvfWP8O0l2wvDMs2c4gFvKZkX3G"
	    "z5Q+2oa+kJhpiMSGdeFYHZw7ewZEK3eSnUyGe9r+zEbe0NDBR2vO21bRniGpGuJb"
	    "QyIcTKFSj+GKPkHtq4kSXJh023pFNFnkPei59fXZA5c0kw59dK0=",
	    "SHA256:9P39rt+qZMlnJ7nQtBCjMVHb+dy9zQT6kG+wPGNwrPA"},
	{"P-256", SSH_KEY_ECDSA_P256,
	    "04a552d528854aebfeb3326c0e78117b1f17eac17eccac65f9ace23a357a0b38"
	    "0e20ecb8fcf1911e4e5fb9c2957581c26573367c25b65ae3d1689b23add3b11c"
	    "75",
	    "",
	    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKVS1SiFSuv+"
	    "szJsDngRex8X6sF+zKxl+aziOjV6CzgOIOy4/PGRHk5fucKVdYHCZXM2fCW2WuPR"
	    "aJsjrdOxHHU=",
	    "SHA256:fXar7kF6yvSIPg0MEa8e3lchT/emaAQnF4qeV46jBho"},
	{"P-384", SSH_KEY_ECDSA_P384,
	    "041f9e8f1e300946b3c165367fd41a291a54bcc86bb2fef9d01e7c5f71ddba4f"
	    "8869f1cb4d3b5b9762393e883e327b68a89ce53d6e390f1ad66394e17f4fe79e"
	    "f925f0f2ff45a62dd2977e9b524d6903e612dbf5e8f8b7c22a4e9ac17b410b6b"
	    "5f",
	    "",
	    "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBB+ejx4wCUaz"
	    "wWU2f9QaKRpUvMhrsv750B58X3Hduk+IafHLTTtbl2I5Pog+MntoqJzlPW45DxrW"
	    "Y5Thf0/nnvkl8PL/RaYt0pd+m1JNaQPmEtv16Pi3wipOmsF7QQtrXw==",
	    "SHA256:eh6Cy7/k9OuLfr+Tnq3cMyKktSRWRZf5omJzDCxMsQ8"},
	{"P-521", SSH_KEY_ECDSA_P521,
	    "0401b7871bceabfe851041dcdbd4cef88d68009009c11d88ae9596d9919bd753"
	    "fec0fa07ccc7e334807897adb2dcd803b2d9d9dc50b9ec0e20ed13816241453f"
	    "52e4a001b7ba209561a07a58d743a75c042629c010d71e975d71fb08a4dd6239"
	    "06a8ebd36a5149b475f577f037ca26a09165af22f686123139594b0831d91fbd"
	    "98fd01f85a",
	    "",
	    "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAG3hxvOq/6F"
	    "EEHc29TO+I1oAJAJwR2IrpWW2ZGb11P+wPoHzMfjNIB4l62y3NgDstnZ3FC57A4g"
	    "7ROBYkFFP1LkoAG3uiCVYaB6WNdDp1wEJinAENcel11x+wik3WI5Bqjr02pRSbR1"
	    "9XfwN8omoJFlryL2hhIxOVlLCDHZH72Y/QH4Wg==",
	    "SHA256:B3zrpS4lxnDkl1rrIc1xe6OHj/NpNr9/HDLlK3d1qq8"},
	{"Ed25519", SSH_KEY_ED25519,
	    "4e9fd5e88bf83fb295692afe852feadaf88842a3d43fa637ee8fbc1ef273f8cd",
	    "",
	    "AAAAC3NzaC1lZDI1NTE5AAAAIE6f1eiL+D+ylWkq/oUv6tr4iEKj1D+mN+6PvB7y"
	    "c/jN",
	    "SHA256:o3JnJ70YNj3PZcEicKwkZ+kQ5kNcJ8vQD+ufe6ak8Tg"},
};
enum { N_MADE_KEYS = sizeof(made_keys) / sizeof(made_keys[0]) };

static const struct made_signature {
	const char *name;
	enum ssh_signature algorithm;
	size_t modulus_bytes; /* RSA */
	const char *raw;      /* hex, RSA without its leading zeros */
	const char *blob;     /* base64 */
} made_signatures[] = {
	{"RSA 2048, leading zero", SSH_SIG_RSA_SHA512, 256,
	    "7b9f82f7d3f4cc670ff1c629a8e7fdde2e1e1e4b23e097d03bc347ae0f47918a"
	    "dd3416387e81ff00cd0e63039f9cefad03f137b18a50bee313c20065818d6d94"
	    "52fd234cd908c1dd080488339586f545b539f1f3638e8b30bd34ce4f54c4e998"
	    "950520184a51e7ac33fb81d9e61060d09f865837b5b2fa680d1b9b21e3f3e4ef"
	    "ced68f5fa436a231cfb55bd292972ee09deab02bd25f0834cade25eb66bc83ca"
	    "c86aa06f21ce012550136ca55dee03e042a315ba3361bc82ec38b76a7d3551c5"
	    "7727f4d718d86ad891bbec57e81d83498ca6a8d21a377d2c0086ac0164e64bcb"
	    "0df9acab9c908a0c4282ae5028fdaa35adc0e160c27c5af59bf8e32a9f9cd8",
	    "AAAADHJzYS1zaGEyLTUxMgAAAQAAe5+C99P0zGcP8cYpqOf93i4eHksj4JfQO8NH"
	    "rg9HkYrdNBY4foH/AM0OYwOfnO+tA/E3sYpQvuMTwgBlgY1tlFL9I0zZCMHdCASI"
	    "M5WG9UW1OfHzY46LML00zk9UxOmYlQUgGEpR56wz+4HZ5hBg0J+GWDe1svpoDRub"
	    "IePz5O/O1o9fpDaiMc+1W9KSly7gneqwK9JfCDTK3iXrZryDyshqoG8hzgElUBNs"
	    "pV3uA+BCoxW6M2G8guw4t2p9NVHFdyf01xjYatiRu+xX6B2DSYymqNIaN30sAIas"
	    "AWTmS8sN+ayrnJCKDEKCrlAo/ao1rcDhYMJ8WvWb+OMqn5zY"},
	{"P-256, top bit of r set", SSH_SIG_ECDSA_P256, 0,
	    "94900a9dec6e96614901ee040084e6b348204d06771d6877942e80243228f0d1"
	    "0b20cd80cbe2c6294f9318fcc0f0c04df8505b66221ee5c72e43adb4efa2143c",
	    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAABJAAAAIQCUkAqd7G6WYUkB7gQAhOaz"
	    "SCBNBncdaHeULoAkMijw0QAAACALIM2Ay+LGKU+TGPzA8MBN+FBbZiIe5ccuQ620"
	    "76IUPA=="},
	{"P-256, s shorter", SSH_SIG_ECDSA_P256, 0,
	    "3f82cecbacccdb7f9ec0bc9f81edcc4331890ac1e90f6ebb4790f681f7d1923f"
	    "00f05a82bf9dd3bce229a2b95ffc61224b94bd8b8dfc6ed003feea23bb583f61",
	    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAABIAAAAID+CzsuszNt/nsC8n4HtzEMx"
	    "iQrB6Q9uu0eQ9oH30ZI/AAAAIADwWoK/ndO84imiuV/8YSJLlL2Ljfxu0AP+6iO7"
	    "WD9h"},
	{"P-384, top bit of r set", SSH_SIG_ECDSA_P384, 0,
	    "bc5e07b0e1392694f8deac88834a428827b8b8e369e51d9a5d566ed146dc1802"
	    "eaed096074ec2f2003dc2d5e2933f9b1710862fb352b197abc08c82de24cfae6"
	    "fb235190f172c34e011357feaed2fe6d942439532c2aebd17901bca0660e2474",
	    "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAABpAAAAMQC8Xgew4TkmlPjerIiDSkKI"
	    "J7i442nlHZpdVm7RRtwYAurtCWB07C8gA9wtXikz+bEAAAAwcQhi+zUrGXq8CMgt"
	    "4kz65vsjUZDxcsNOARNX/q7S/m2UJDlTLCrr0XkBvKBmDiR0"},
	{"P-384, s shorter", SSH_SIG_ECDSA_P384, 0,
	    "0bff02e4235135ac7dacc130e26f7130cfbe4b3297deaa21b3fd63981d031a6e"
	    "03e412ec8c1216a0f5c36f86bf11d2b80087d6a19d7a85429452660ad010d741"
	    "69b167ae4f7c0086983c59a1f078bcec08bf8c3180e4456f322117090d271d27",
	    "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAABoAAAAMAv/AuQjUTWsfazBMOJvcTDP"
	    "vksyl96qIbP9Y5gdAxpuA+QS7IwSFqD1w2+GvxHSuAAAADAAh9ahnXqFQpRSZgrQ"
	    "ENdBabFnrk98AIaYPFmh8Hi87Ai/jDGA5EVvMiEXCQ0nHSc="},
	{"P-521, s shorter", SSH_SIG_ECDSA_P521, 0,
	    "005b793c1e0f71333c893165aa9d7067e587c1985e9cb145cd250b4ddaf3eeb9"
	    "719bf72a0789a8a78c6a36e5b45a59aee668e5081aaa7f5904310ab57bc1dd0b"
	    "f82e007b6263fffe70f252c454c5b4b87da6b24000e3bd3a1cdc203e4c7aa122"
	    "082f36ae36e1996dce3ecde50b11e3e40b5ae4958dc6d1e79980633436570018"
	    "a627c5ba",
	    "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAACKAAAAQVt5PB4PcTM8iTFlqp1wZ+WH"
	    "wZhenLFFzSULTdrz7rlxm/cqB4mop4xqNuW0Wlmu5mjlCBqqf1kEMQq1e8HdC/gu"
	    "AAAAQXtiY//+cPJSxFTFtLh9prJAAOO9OhzcID5MeqEiCC82rjbhmW3OPs3lCxHj"
	    "5Ata5JWNxtHnmYBjNDZXABimJ8W6"},
	{"P-521, top bit of r set", SSH_SIG_ECDSA_P521, 0,
	    "00a0cedd45c362e75ce5895a1dceb497bf4187516623860ceeddbc12c647677b"
	    "84c8ec6fa15e0493cac8198db7fe0f0551058d5ea2b449ff94b3fed17cc3e98f"
	    "c1eb01ee8cc5c67e69b6f3ed9ee51a195ea8d67931383b78ed23e2eeefd94da2"
	    "bceda95a582e34ce084b09cb1b5dc7288d12969e68ce8798afc4a80c6f68e438"
	    "e1c01ffa",
	    "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAACMAAAAQgCgzt1Fw2LnXOWJWh3OtJe/"
	    "QYdRZiOGDO7dvBLGR2d7hMjsb6FeBJPKyBmNt/4PBVEFjV6itEn/lLP+0XzD6Y/B"
	    "6wAAAEIB7ozFxn5ptvPtnuUaGV6o1nkxODt47SPi7u/ZTaK87alaWC40zghLCcsb"
	    "XccojRKWnmjOh5ivxKgMb2jkOOHAH/o="},
	{"Ed25519", SSH_SIG_ED25519, 0,
	    "6eb3f3af13ee7c4649fe692bd3c3e7252c037d07626c676c68488999c4ce5f0d"
	    "bad795b8d285b84187a946bb7d25ea99aad64a007774bec414233e069b237f03",
	    "AAAAC3NzaC1lZDI1NTE5AAAAQG6z868T7nxGSf5pK9PD5yUsA30HYmxnbGhIiZnE"
	    "zl8NuteVuNKFuEGHqUa7fSXqmarWSgB3dL7EFCM+BpsjfwM="},
};
enum {
	N_MADE_SIGNATURES = sizeof(made_signatures) / sizeof(made_signatures[0])
};

#endif
