package htpasswd

import "crypto/md5" //nolint:gosec // part of apr1

// apr1Rounds is the number of times the sum is mixed.
const apr1Rounds = 1000

// apr1 is Apache's variant of the MD5-based crypt (apr_md5.c, apr_md5_encode): a sum of
// password, magic and salt is mixed with itself, in an order that depends on the length of
// the password and the number of the round, and encoded in an alphabet of its own.
func apr1(password, salt string) string {
	salt = salt[:min(len(salt), 8)]
	inner := md5.Sum([]byte(password + salt + password)) //nolint:gosec // part of apr1
	text := []byte(password + apr1Magic + salt)
	for left := len(password); left > 0; left -= md5.Size {
		text = append(text, inner[:min(left, md5.Size)]...)
	}
	for n := len(password); n > 0; n >>= 1 {
		if n&1 == 1 {
			text = append(text, 0)
		} else {
			text = append(text, password[0])
		}
	}
	sum := md5.Sum(text) //nolint:gosec // part of apr1
	for round := range apr1Rounds {
		var mix []byte
		if round%2 == 1 {
			mix = append(mix, password...)
		} else {
			mix = append(mix, sum[:]...)
		}
		if round%3 != 0 {
			mix = append(mix, salt...)
		}
		if round%7 != 0 {
			mix = append(mix, password...)
		}
		if round%2 == 1 {
			mix = append(mix, sum[:]...)
		} else {
			mix = append(mix, password...)
		}
		sum = md5.Sum(mix) //nolint:gosec // part of apr1
	}
	return apr1Magic + salt + "$" + apr1Text(sum)
}

// apr1Text encodes a sum: six bits per character, the lowest first, in groups of the bytes
// i, i+6 and i+12.
func apr1Text(sum [md5.Size]byte) string {
	const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	out := make([]byte, 0, 22)
	put := func(v uint, n int) {
		for range n {
			out = append(out, alphabet[v&63])
			v >>= 6
		}
	}
	for i := range 5 {
		last := i + 12
		if last == 16 {
			last = 5
		}
		put(uint(sum[i])<<16|uint(sum[i+6])<<8|uint(sum[last]), 4)
	}
	put(uint(sum[11]), 2)
	return string(out)
}
