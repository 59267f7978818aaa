"""The model's arithmetic for training: the weights of the transformers model, but every picture and every clip of a batch at once.

transformers runs the attention of one picture after another; on two cores that costs more than the arithmetic itself.
Here all pictures have one size and clips are padded and masked. `check` compares the result with transformers' own forward pass."""
import torch
import torch.nn.functional as F

GRID = 6        # patches along a side of the 84 x 84 pictures


def rms(norm, x):
    return F.rms_norm(x, (x.shape[-1],), norm.weight, norm.variance_epsilon)


def rotate(x, cos, sin):
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-b, a), dim=-1) * sin


def patch_order():
    """(row, column) of every patch in the processor's order: 2 x 2 blocks, row by row."""
    blocks = range(GRID // 2)
    return torch.tensor([(2 * r + y, 2 * c + x) for r in blocks for c in blocks for y in (0, 1) for x in (0, 1)])


def patches(pictures, mean, std):
    """uint8 [n, 84, 84, 3] -> [n, 36, 588]: the processor's rows, one of their two equal frames."""
    x = (pictures.float() / 255 - mean) / std
    n, half = len(x), GRID // 2
    x = x.view(n, half, 2, 14, half, 2, 14, 3).permute(0, 1, 4, 2, 5, 7, 3, 6)
    return x.reshape(n, GRID * GRID, 588)


def see(tower, rows):
    """Vision tower: [n, 36, 588] -> [n, 9, hidden]. The picture is one attention window, so every block attends to all of it."""
    config = tower.config
    heads = config.num_heads
    x = F.linear(rows, tower.patch_embed.proj.weight.sum(2).flatten(1))      # a still picture shows both kernels the same frame
    n, t, width = x.shape
    angle = (patch_order().float()[:, :, None] * tower.rotary_pos_emb.inv_freq).flatten(1)
    cos, sin = torch.cat((angle, angle), -1).cos(), torch.cat((angle, angle), -1).sin()
    for block in tower.blocks:
        y, a = rms(block.norm1, x), block.attn
        q, k, v = (part(y).view(n, t, heads, -1).transpose(1, 2) for part in (a.q, a.k, a.v))
        y = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v)
        x = x + a.proj(y.transpose(1, 2).reshape(n, t, width))
        x = x + block.mlp(rms(block.norm2, x))
    return tower.merger.mlp(rms(tower.merger.ln_q, x).view(n, t // 4, 4 * width))


def audio_tokens(frames):
    return ((frames - 1) // 2 - 1) // 2 + 1


def hear(tower, mel, frames):
    """Audio tower: log-mel [n, 128, t] with t <= 200 (one chunk) and valid frames [n] -> [n, tokens, hidden], padded.

    The convolutions and the attention work on padded clips, the linear layers on the true rows only."""
    n, heads = len(mel), tower.config.encoder_attention_heads
    valid = torch.arange(mel.shape[2]) < frames[:, None]
    x = F.gelu(tower.conv1(mel * valid[:, None])) * valid[:, None]
    x = F.gelu(tower.conv2(x)).transpose(1, 2)
    t, width = x.shape[1:]
    kept = torch.arange(t) < (frames[:, None] - 1) // 2 + 1
    places, mask = kept.flatten().nonzero()[:, 0], kept[:, None, None]
    x = (x + tower.positional_embedding.positional_embedding[:t]).reshape(n * t, width)[places]
    for layer in tower.layers:
        y, a = layer.self_attn_layer_norm(x), layer.self_attn
        q, k, v = (spread(part(y), places, n, t, heads) for part in (a.q_proj, a.k_proj, a.v_proj))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + a.out_proj(y.transpose(1, 2).reshape(n * t, width)[places])
        x = x + layer.fc2(F.gelu(layer.fc1(layer.final_layer_norm(x))))
    x = x.new_zeros(n * t, width).index_copy(0, places, x).view(n, t, width)
    x = (x[:, 0:t // 2 * 2:2] + x[:, 1:t // 2 * 2:2]) / 2
    return tower.proj(tower.ln_post(x))


def spread(rows, places, n, t, heads):
    """The rows of n ragged sequences in their places of the padded [n, heads, t, width]."""
    rows = rows.flatten(1)
    return rows.new_zeros(n * t, rows.shape[1]).index_copy(0, places, rows).view(n, t, heads, -1).transpose(1, 2)


def decode(model, embedded, positions, lengths, wanted):
    """Text backbone on the concatenation of all sequences: [rows, hidden], positions [3, rows] -> [wanted rows, hidden].

    Linear layers see the true rows only; attention alone is padded. The end of the last layer computes the wanted rows only."""
    text = model.model.language_model
    n, t = len(lengths), int(lengths.max())
    places = (torch.arange(t) < lengths[:, None]).flatten().nonzero()[:, 0]
    angle = positions[..., None].float() * text.rotary_emb.inv_freq
    angle = torch.cat([part[i] for i, part in enumerate(angle.split(text.rotary_emb.mrope_section, dim=-1))], dim=-1)
    cos, sin = torch.cat((angle, angle), -1).cos()[:, None], torch.cat((angle, angle), -1).sin()[:, None]
    x = embedded
    for layer in text.layers:
        y, a = rms(layer.input_layernorm, x), layer.self_attn
        q, k, v = (part(y).view(len(y), -1, a.head_dim) for part in (a.q_proj, a.k_proj, a.v_proj))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        q, k, v = (spread(part, places, n, t, part.shape[1]) for part in (q, k, v))
        k, v = (p.repeat_interleave(a.num_key_value_groups, dim=1) for p in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        y = y.transpose(1, 2).reshape(n * t, -1)[places]
        if layer is text.layers[-1]:
            x, y = x[wanted], y[wanted]
        x = x + a.o_proj(y)
        x = x + layer.mlp(rms(layer.post_attention_layernorm, x))
    return rms(text.norm, x)


def embed(model, batch):
    """Token embeddings with the media's features in the places of their placeholders."""
    x = model.model.language_model.embed_tokens(batch.ids)
    if batch.patches is not None:
        x = x.index_copy(0, batch.image_places, see(model.model.visual, batch.patches).flatten(0, 1))
    if batch.mel is not None:
        heard = hear(model.model.audio_tower, batch.mel, batch.frames)
        keep = torch.arange(heard.shape[1]) < audio_tokens(batch.frames)[:, None]
        x = x.index_copy(0, batch.audio_places, heard[keep])
    return x


def logits(model, batch, rows):
    """Scores of the next token after each of the rows."""
    hidden = decode(model, embed(model, batch), batch.positions, batch.lengths, rows)
    return F.linear(hidden, model.model.language_model.embed_tokens.weight)


def loss(model, batch):
    """Mean cross-entropy over the answers."""
    return F.cross_entropy(logits(model, batch, batch.answer_rows), batch.answers)
