using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace SpectralKD.Tests.Weights;

public sealed class HubClientTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly FakeHub hub = new();
    private readonly ConcurrentQueue<TimeSpan> waits = [];

    private string Cache => folder.File("hub");

    private string Repository => Path.Combine(Cache, "models--timm--nano");

    private string Blob => Path.Combine(Repository, "blobs", hub.ETag);

    private string Snapshot => Path.Combine(Repository, "snapshots", FakeHub.Commit, FakeHub.FileName);

    public void Dispose()
    {
        hub.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task A_file_arrives_in_the_layout_that_python_uses()
    {
        var path = await DownloadAsync();
        Assert.Equal(Snapshot, path);
        Assert.Equal(hub.Content, File.ReadAllBytes(path));
        Assert.Equal(Path.Combine("..", "..", "blobs", hub.ETag), new FileInfo(path).LinkTarget);
        Assert.Equal(FakeHub.Commit, File.ReadAllText(Path.Combine(Repository, "refs", "main")));
        Assert.True(File.Exists(Path.Combine(Cache, ".locks", "models--timm--nano", hub.ETag + ".lock")));
        Assert.Equal([Blob], Directory.GetFiles(Path.Combine(Repository, "blobs")));
    }

    [Fact]
    public async Task The_second_time_only_the_headers_are_asked_for()
    {
        await DownloadAsync();
        await DownloadAsync();
        Assert.Single(hub.Store.Gets);
        Assert.Equal(["HEAD", "GET", "HEAD"], hub.Hub.Requests.Select(request => request.Method));
    }

    [Fact]
    public async Task What_python_has_fetched_is_used_without_a_download()
    {
        MakePythonsCache();
        Assert.Equal(Snapshot, await DownloadAsync());
        Assert.Empty(hub.Store.Requests);
    }

    [Fact]
    public async Task Offline_the_cache_alone_is_used()
    {
        MakePythonsCache();
        Assert.Equal(Snapshot, await DownloadAsync(Client(options => options with { Offline = true })));
        Assert.Empty(hub.Hub.Requests);
    }

    [Fact]
    public async Task Offline_without_a_copy_is_an_error_that_names_the_cache() =>
        Assert.Contains("HF_HUB_OFFLINE", await ErrorAsync(Client(options => options with { Offline = true })), StringComparison.Ordinal);

    [Fact]
    public async Task A_commit_that_is_in_the_cache_needs_no_connection()
    {
        MakePythonsCache();
        using var client = Client();
        Assert.Equal(Snapshot, await client.DownloadAsync(FakeHub.Repository, FakeHub.FileName, FakeHub.Commit));
        Assert.Empty(hub.Hub.Requests);
    }

    [Fact]
    public async Task Without_a_connection_the_copy_is_used()
    {
        MakePythonsCache();
        hub.Hub.Dispose();
        Assert.Equal(Snapshot, await DownloadAsync());
    }

    [Fact]
    public async Task Without_a_connection_and_a_copy_the_error_says_what_to_do()
    {
        hub.Hub.Dispose();
        var message = await ErrorAsync();
        Assert.Contains("cannot reach", message, StringComparison.Ordinal);
        Assert.Contains("HF_ENDPOINT", message, StringComparison.Ordinal);
        Assert.Single(waits); // Whoever is offline shall not wait for half a minute.
    }

    [Fact]
    public async Task Cut_connections_are_resumed_where_they_ended()
    {
        hub.OnStore = request => hub.Store.Gets.Count() < 4 ? FakeHub.Send(request, hub.Content) with { CutAfter = 60_000 } : null;
        Assert.Equal(hub.Content, File.ReadAllBytes(await DownloadAsync()));
        Assert.Equal([0, 60_000, 120_000, 180_000], hub.Store.Gets.Select(request => request.From));
    }

    [Fact]
    public async Task A_partial_download_of_an_earlier_process_goes_on()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Blob)!);
        File.WriteAllBytes(Blob + ".incomplete", hub.Content[..100_000]);
        Assert.Equal(hub.Content, File.ReadAllBytes(await DownloadAsync()));
        Assert.Equal([100_000], hub.Store.Gets.Select(request => request.From));
    }

    [Fact]
    public async Task A_server_that_knows_no_ranges_starts_again()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Blob)!);
        File.WriteAllBytes(Blob + ".incomplete", new byte[100_000]);
        hub.OnStore = _ => new FakeResponse(200) { Body = hub.Content };
        Assert.Equal(hub.Content, File.ReadAllBytes(await DownloadAsync()));
    }

    [Theory]
    [InlineData(416)]
    [InlineData(206)]
    public async Task A_range_that_the_server_gets_wrong_starts_again(int status)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Blob)!);
        File.WriteAllBytes(Blob + ".incomplete", hub.Content[..1000]);
        hub.OnStore = request => request.From > 0
            ? new FakeResponse(status) { Body = hub.Content, Headers = { ["Content-Range"] = "bytes 7-299999/300000" } }
            : null;
        Assert.Equal(hub.Content, File.ReadAllBytes(await DownloadAsync()));
    }

    [Fact]
    public async Task A_partial_file_that_is_too_long_starts_again()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Blob)!);
        File.WriteAllBytes(Blob + ".incomplete", new byte[400_000]);
        Assert.Equal(hub.Content, File.ReadAllBytes(await DownloadAsync()));
    }

    [Fact]
    public async Task A_damaged_download_is_fetched_once_more()
    {
        hub.OnStore = request => hub.Store.Gets.Count() == 1 ? FakeHub.Send(request, Damaged()) : null;
        Assert.Equal(hub.Content, File.ReadAllBytes(await DownloadAsync()));
    }

    [Fact]
    public async Task Content_that_is_damaged_twice_is_refused_and_not_kept()
    {
        hub.OnStore = request => FakeHub.Send(request, Damaged());
        Assert.Contains("damaged twice", await ErrorAsync(), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.Combine(Repository, "blobs")));
        Assert.False(Path.Exists(Snapshot));
    }

    [Fact]
    public async Task Too_many_requests_wait_as_long_as_the_server_asks()
    {
        hub.OnHub = _ => hub.Hub.Requests.Count == 1 ? new FakeResponse(429) { Headers = { ["Retry-After"] = "17" } } : null;
        await DownloadAsync();
        Assert.Equal(TimeSpan.FromSeconds(17), Assert.Single(waits));
    }

    [Fact]
    public async Task A_date_to_come_back_at_is_understood()
    {
        hub.OnStore = _ => hub.Store.Requests.Count == 1
            ? new FakeResponse(503) { Headers = { ["Retry-After"] = DateTimeOffset.UtcNow.AddMinutes(2).ToString("R") } }
            : null;
        await DownloadAsync();
        Assert.InRange(Assert.Single(waits), TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(120));
    }

    [Theory]
    [InlineData(429, "slow down")]
    [InlineData(500, "trouble")]
    [InlineData(503, "trouble")]
    public async Task Trouble_that_does_not_pass_ends_after_five_more_attempts(int status, string expected)
    {
        hub.OnHub = _ => new FakeResponse(status);
        var message = await ErrorAsync();
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.DoesNotContain("cannot reach", message, StringComparison.Ordinal);
        Assert.Equal(6, hub.Hub.Requests.Count);
        Assert.All(waits.Zip([1, 2, 4, 8, 8]), wait => Assert.InRange(wait.First.TotalSeconds, wait.Second, wait.Second * 1.25));
    }

    [Theory]
    [InlineData(401, "RepoNotFound", "does not exist or is private")]
    [InlineData(401, null, "set HF_TOKEN")]
    [InlineData(403, "GatedRepo", "is gated (403): ask for access")]
    [InlineData(404, "RepoNotFound", "the hub has no 'timm/nano'")]
    [InlineData(404, "RevisionNotFound", "no revision 'main'")]
    [InlineData(404, "EntryNotFound", "no file 'model.safetensors'")]
    [InlineData(418, null, "418")]
    public async Task Final_answers_are_explained_at_once(int status, string? code, string expected)
    {
        hub.OnHub = _ => FakeHub.Error(status, code);
        var message = await ErrorAsync();
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
        Assert.Single(hub.Hub.Requests);
        Assert.Empty(waits);
    }

    [Fact]
    public async Task A_missing_file_is_remembered_as_python_remembers_it()
    {
        using var client = Client();
        Assert.Null(await client.TryDownloadAsync(FakeHub.Repository, "other.bin"));
        Assert.True(File.Exists(Path.Combine(Repository, ".no_exist", FakeHub.Commit, "other.bin")));
        using var offline = Client(options => options with { Offline = true });
        Assert.Null(await offline.TryDownloadAsync(FakeHub.Repository, "other.bin"));
    }

    [Fact]
    public async Task Weights_in_pytorchs_format_are_found_where_there_are_no_safetensors()
    {
        hub.OnHub = request => request.Path.EndsWith("pytorch_model.bin", StringComparison.Ordinal)
            ? new FakeResponse(200)
            {
                Body = hub.Content,
                Headers = { ["X-Repo-Commit"] = FakeHub.Commit, ["ETag"] = "W/\"0123456789012345678901234567890123456789\"" },
            }
            : FakeHub.Error(404, "EntryNotFound");
        using var client = Client();
        var path = await HubWeights.FindAsync(client, FakeHub.Repository, "main", null, CancellationToken.None);
        Assert.Equal("pytorch_model.bin", Path.GetFileName(path));
        Assert.Equal(hub.Content, File.ReadAllBytes(path));
    }

    [Fact]
    public async Task Weights_in_several_files_come_with_all_that_their_index_names_of_one_commit()
    {
        var files = new Dictionary<string, byte[]>
        {
            ["model.safetensors.index.json"] = "{\"weight_map\": {\"a\": \"model-1.safetensors\", \"b\": \"model-2.safetensors\", \"c\": \"model-2.safetensors\"}}"u8.ToArray(),
            ["model-1.safetensors"] = SafetensorsBytes.File("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4),
            ["model-2.safetensors"] = SafetensorsBytes.File("{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8),
        };
        hub.OnHub = request => files.TryGetValue(request.Path.Split('/')[^1], out var body)
            ? new FakeResponse(200)
            {
                Body = body,
                Headers = { ["X-Repo-Commit"] = FakeHub.Commit, ["ETag"] = $"\"{GitHash(body)}\"" },
            }
            : FakeHub.Error(404, "EntryNotFound");
        using var client = Client();
        var path = await HubWeights.FindAsync(client, FakeHub.Repository, "main", null, CancellationToken.None);
        Assert.Equal("model.safetensors.index.json", Path.GetFileName(path));
        using var weights = WeightsFile.Open(path);
        Assert.Equal(["a", "b", "c"], weights.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.All(hub.Hub.Requests.Where(request => request.Path.Contains("/model-", StringComparison.Ordinal)), request => Assert.Contains(FakeHub.Commit, request.Path, StringComparison.Ordinal));

        using var offline = Client(options => options with { Offline = true });
        Assert.Equal(path, await HubWeights.FindAsync(offline, FakeHub.Repository, "main", null, CancellationToken.None));
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_and_to_no_other_host()
    {
        await DownloadAsync(Client(options => options with { Token = "hf_secret" }));
        Assert.All(hub.Hub.Requests, request => Assert.Equal("Bearer hf_secret", request.Headers["authorization"]));
        Assert.All(hub.Store.Requests, request => Assert.False(request.Headers.ContainsKey("authorization")));
        Assert.DoesNotContain("hf_secret", new HubOptions { CacheFolder = "c", Token = "hf_secret" }.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_renamed_repository_is_followed()
    {
        hub.OnHub = request => request.Path.StartsWith("/old/", StringComparison.Ordinal)
            ? new FakeResponse(307) { Headers = { ["Location"] = request.Path.Replace("/old/name", "/timm/nano", StringComparison.Ordinal) } }
            : null;
        using var client = Client();
        Assert.Equal(hub.Content, File.ReadAllBytes(await client.DownloadAsync("old/name", FakeHub.FileName)));
    }

    [Fact]
    public async Task Endless_redirects_end()
    {
        hub.OnHub = request => new FakeResponse(307) { Headers = { ["Location"] = request.Path + "x" } };
        Assert.Contains("more than 10 times", await ErrorAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("X-Linked-Etag", "\"../../../evil\"")]
    [InlineData("X-Repo-Commit", "../../main")]
    [InlineData("X-Linked-Size", "-5")]
    public async Task Headers_that_would_leave_the_cache_are_refused(string header, string value)
    {
        hub.OnHub = _ => new FakeResponse(200)
        {
            Headers = new Dictionary<string, string>
            {
                ["X-Repo-Commit"] = FakeHub.Commit,
                ["X-Linked-Etag"] = $"\"{hub.ETag}\"",
                ["X-Linked-Size"] = "5",
                [header] = value,
            },
        };
        Assert.Contains("does not answer like a Hugging Face hub", await ErrorAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nano", "model.safetensors", "main")]
    [InlineData("../x", "model.safetensors", "main")]
    [InlineData("timm/..", "model.safetensors", "main")]
    [InlineData("timm/nano", "../../x", "main")]
    [InlineData("timm/nano", "/etc/passwd", "main")]
    [InlineData("timm/nano", "a", "../main")]
    public async Task Names_that_would_leave_the_cache_are_refused(string repository, string name, string revision)
    {
        using var client = Client();
        await Assert.ThrowsAsync<SpectralKDException>(() => client.DownloadAsync(repository, name, revision));
        Assert.Empty(hub.Hub.Requests);
    }

    [Fact]
    public async Task A_full_disk_is_seen_before_the_download()
    {
        var message = await ErrorAsync(Client(system: new HubSystem { Delay = Wait, FreeSpace = _ => 1000 }));
        Assert.Contains("300000 bytes are still to come", message, StringComparison.Ordinal);
        Assert.Contains("1000 free", message, StringComparison.Ordinal);
        Assert.Empty(hub.Store.Requests);
    }

    [Fact]
    public async Task Where_links_are_not_allowed_the_file_itself_is_there()
    {
        var system = new HubSystem { Delay = Wait, CreateLink = (_, _) => throw new UnauthorizedAccessException("no links here") };
        var path = await DownloadAsync(Client(system: system));
        Assert.Null(new FileInfo(path).LinkTarget);
        Assert.Equal(hub.Content, File.ReadAllBytes(path));
        await DownloadAsync(Client(system: system));
        Assert.Single(hub.Store.Gets);
    }

    [Fact]
    public async Task A_stopped_download_keeps_what_has_arrived()
    {
        using var stop = new CancellationTokenSource();
        using var unused = new CancellationTokenSource();
        var never = new TaskCompletionSource();
        hub.OnStore = request => request.From == 0 ? FakeHub.Send(request, hub.Content) with { Pause = never.Task } : null;
        using (var client = Client())
        {
            var progress = new Immediate(value => (value.BytesDone == 150_000 ? stop : unused).Cancel());
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
                client.DownloadAsync(FakeHub.Repository, FakeHub.FileName, "main", progress, stop.Token));
        }

        Assert.Equal(hub.Content[..150_000], File.ReadAllBytes(Blob + ".incomplete"));
        Assert.Equal(hub.Content, File.ReadAllBytes(await DownloadAsync()));
        Assert.Equal([0, 150_000], hub.Store.Gets.Select(request => request.From));
        never.SetResult();
    }

    [Fact]
    public async Task Progress_only_grows_and_ends_at_the_whole()
    {
        var seen = new List<DownloadProgress>();
        using var client = Client();
        await client.DownloadAsync(FakeHub.Repository, FakeHub.FileName, "main", new Immediate(seen.Add));
        Assert.Equal(seen.Select(value => value.BytesDone).Order(), seen.Select(value => value.BytesDone));
        Assert.Equal(new DownloadProgress(300_000, 300_000, "timm/nano/model.safetensors"), seen[^1]);
    }

    [Fact]
    public async Task Parallel_downloads_fetch_the_file_once()
    {
        var paths = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => DownloadAsync(Client(system: new HubSystem()))));
        Assert.All(paths, path => Assert.Equal(Snapshot, path));
        Assert.Single(hub.Store.Gets);
        Assert.Equal(hub.Content, File.ReadAllBytes(Snapshot));
    }

    [Fact]
    public async Task A_new_commit_with_the_same_content_is_linked_without_a_download()
    {
        await DownloadAsync();
        var next = new string('f', 40);
        hub.OnHub = _ => new FakeResponse(200)
        {
            Headers = { ["X-Repo-Commit"] = next, ["X-Linked-Etag"] = $"\"{hub.ETag}\"", ["X-Linked-Size"] = "300000" },
        };
        Assert.Contains(next, await DownloadAsync(), StringComparison.Ordinal);
        Assert.Single(hub.Store.Gets);
        Assert.Equal(next, File.ReadAllText(Path.Combine(Repository, "refs", "main")));
    }

    [Fact]
    public async Task A_link_planted_in_place_of_the_partial_file_is_removed_and_its_target_stays()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Blob)!);
        var precious = folder.Write("precious", "not yours"u8.ToArray());
        try
        {
            File.CreateSymbolicLink(Blob + ".incomplete", precious);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Assert.Skip("skipped: no links can be made here");
        }

        Assert.Equal(hub.Content, File.ReadAllBytes(await DownloadAsync()));
        Assert.Equal("not yours", File.ReadAllText(precious));
        Assert.Equal([0], hub.Store.Gets.Select(request => request.From));
    }

    [Fact]
    public async Task A_partial_file_of_other_content_is_found_by_gits_hash()
    {
        using var git = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        git.AppendData([.. "blob 300000\0"u8, .. hub.Content]);
        var etag = Convert.ToHexStringLower(git.GetHashAndReset());
        hub.OnHub = request => new FakeResponse(200) { Body = hub.Content, Headers = { ["X-Repo-Commit"] = FakeHub.Commit, ["ETag"] = $"\"{etag}\"" } };
        Directory.CreateDirectory(Path.GetDirectoryName(Blob)!);
        File.WriteAllBytes(Path.Combine(Path.GetDirectoryName(Blob)!, etag + ".incomplete"), new byte[300_000]);
        Assert.Equal(hub.Content, File.ReadAllBytes(await DownloadAsync()));
    }

    [Fact]
    public async Task Content_that_gits_hash_does_not_fit_is_refused()
    {
        var etag = new string('a', 40);
        hub.OnHub = request => new FakeResponse(200) { Body = hub.Content, Headers = { ["X-Repo-Commit"] = FakeHub.Commit, ["ETag"] = $"\"{etag}\"" } };
        Assert.Contains($"damaged twice (its hash is not {etag})", await ErrorAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hf_a b")]
    [InlineData("hf_\u00fcmlaut")]
    [InlineData("hf_a\nX-Evil: 1")]
    public async Task A_token_that_no_header_can_hold_is_one_line(string token)
    {
        var message = await ErrorAsync(Client(options => options with { Token = token }));
        Assert.Contains("(HF_TOKEN, or the file of huggingface-cli login)", message, StringComparison.Ordinal);
        Assert.DoesNotContain(token, message, StringComparison.Ordinal);
        Assert.Empty(hub.Hub.Requests);
    }

    [Fact]
    public async Task A_mirrors_404_without_a_reason_tries_the_next_file_name()
    {
        hub.OnHub = request => request.Path.EndsWith("pytorch_model.bin", StringComparison.Ordinal)
            ? new FakeResponse(200) { Body = hub.Content, Headers = { ["X-Repo-Commit"] = FakeHub.Commit, ["ETag"] = "\"of-a-mirror\"" } }
            : new FakeResponse(404);
        using var client = Client();
        var path = await HubWeights.FindAsync(client, FakeHub.Repository, "main", null, CancellationToken.None);
        Assert.Equal("pytorch_model.bin", Path.GetFileName(path));
        Assert.False(Directory.Exists(Path.Combine(Repository, ".no_exist")), "a bare 404 is not remembered for good");
    }

    [Fact]
    public async Task A_refusal_tells_of_a_token_file_that_cannot_be_read()
    {
        hub.OnHub = _ => FakeHub.Error(401);
        Assert.Contains("(the token's file '/t' cannot be read: no)", await ErrorAsync(Client(options => options with
        {
            TokenProblem = "the token's file '/t' cannot be read: no",
        })), StringComparison.Ordinal);
    }

    private static string GitHash(byte[] body)
    {
        using var git = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        git.AppendData(System.Text.Encoding.ASCII.GetBytes(FormattableString.Invariant($"blob {body.Length}\0")));
        git.AppendData(body);
        return Convert.ToHexStringLower(git.GetHashAndReset());
    }

    private byte[] Damaged()
    {
        var copy = (byte[])hub.Content.Clone();
        copy[12345] ^= 1;
        return copy;
    }

    private void MakePythonsCache()
    {
        Directory.CreateDirectory(Path.Combine(Repository, "refs"));
        Directory.CreateDirectory(Path.GetDirectoryName(Blob)!);
        Directory.CreateDirectory(Path.GetDirectoryName(Snapshot)!);
        File.WriteAllText(Path.Combine(Repository, "refs", "main"), FakeHub.Commit);
        File.WriteAllBytes(Blob, hub.Content);
        File.CreateSymbolicLink(Snapshot, Path.Combine("..", "..", "blobs", hub.ETag));
    }

    private HubClient Client(Func<HubOptions, HubOptions>? change = null, HubSystem? system = null)
    {
        var options = new HubOptions { Endpoint = hub.Hub.Address, CacheFolder = Cache };
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false };
        return new HubClient(change?.Invoke(options) ?? options, handler, system ?? new HubSystem { Delay = Wait });
    }

    private Task Wait(TimeSpan time, CancellationToken cancellation)
    {
        waits.Enqueue(time);
        return Task.CompletedTask;
    }

    private async Task<string> DownloadAsync(HubClient? client = null)
    {
        using var used = client ?? Client();
        return await used.DownloadAsync(FakeHub.Repository, FakeHub.FileName);
    }

    private async Task<string> ErrorAsync(HubClient? client = null) =>
        (await Assert.ThrowsAsync<SpectralKDException>(() => DownloadAsync(client))).Message;

    private sealed class Immediate(Action<DownloadProgress> report) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) => report(value);
    }
}
